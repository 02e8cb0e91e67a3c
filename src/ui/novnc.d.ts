/** What we use of noVNC 1.7 (docs/API.md of the project); its own types describe an older layout. */
declare module '@novnc/novnc' {
  interface RFBOptions {
    /** Whether other viewers stay connected; the gateway asks for it in any case. */
    readonly shared?: boolean;
    readonly wsProtocols?: readonly string[];
    readonly credentials?: { readonly username?: string; readonly password?: string; readonly target?: string };
  }

  interface RFBEvents {
    /** The first picture may be drawn. */
    connect: CustomEvent<object>;
    /** `clean` says how the socket closed, not that all was well. */
    disconnect: CustomEvent<{ readonly clean: boolean }>;
    credentialsrequired: CustomEvent<{ readonly types: readonly string[] }>;
    securityfailure: CustomEvent<{ readonly status: number; readonly reason?: string }>;
    clipboard: CustomEvent<{ readonly text: string }>;
    bell: CustomEvent<object>;
    desktopname: CustomEvent<{ readonly name: string }>;
    capabilities: CustomEvent<{ readonly capabilities: { readonly power: boolean } }>;
    clippingviewport: CustomEvent<boolean>;
  }

  /** One connection; draws into `target`. A socket that is passed in may still be connecting. */
  export default class RFB {
    constructor(target: HTMLElement, urlOrChannel: string | WebSocket | RTCDataChannel, options?: RFBOptions);

    background: string;
    readonly capabilities: { readonly power: boolean };
    readonly clippingViewport: boolean;
    clipViewport: boolean;
    /** 0 to 9. */
    compressionLevel: number;
    dragViewport: boolean;
    focusOnClick: boolean;
    /** 0 to 9. */
    qualityLevel: number;
    resizeSession: boolean;
    scaleViewport: boolean;
    showDotCursor: boolean;
    /** Sends no key and no pointer; the gateway enforces the same. */
    viewOnly: boolean;

    blur(): void;
    clipboardPasteFrom(text: string): void;
    disconnect(): void;
    focus(options?: FocusOptions): void;
    getImageData(): ImageData;
    sendCtrlAltDel(): void;
    sendKey(keysym: number, code: string | null, down?: boolean): void;
    toDataURL(type?: string, encoderOptions?: number): string;

    addEventListener<K extends keyof RFBEvents>(type: K, listener: (event: RFBEvents[K]) => void): void;
    removeEventListener<K extends keyof RFBEvents>(type: K, listener: (event: RFBEvents[K]) => void): void;
  }
}
