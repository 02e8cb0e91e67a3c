/** What we use of noVNC 1.7 (docs/API.md of the project); its own types describe an older layout. */
declare module '@novnc/novnc' {
  interface RFBOptions {
    readonly shared?: boolean;
    readonly wsProtocols?: readonly string[];
    readonly credentials?: { readonly password?: string };
  }

  interface RFBEvents {
    connect: CustomEvent<object>;
    disconnect: CustomEvent<{ readonly clean: boolean }>;
    securityfailure: CustomEvent<{ readonly status: number; readonly reason?: string }>;
    desktopname: CustomEvent<{ readonly name: string }>;
  }

  export default class RFB {
    constructor(target: HTMLElement, urlOrChannel: string | WebSocket, options?: RFBOptions);
    scaleViewport: boolean;
    resizeSession: boolean;
    viewOnly: boolean;
    background: string;
    disconnect(): void;
    focus(): void;
    addEventListener<K extends keyof RFBEvents>(type: K, listener: (event: RFBEvents[K]) => void): void;
  }
}
