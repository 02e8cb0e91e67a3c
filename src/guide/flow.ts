import { ROUTES } from '../topology/index.js';
import type { GuideSubject } from './subject.js';
import { spanOf, timeOf } from './words.js';

/** flow.mmd: one session from the first click to the last byte, as a Mermaid sequence diagram. */
export function flowPicture({ topology }: GuideSubject): string {
  const { public: site, gateway, control, runner } = topology;
  const beat =
    gateway.pingIntervalMs === 0
      ? 'nothing, pings are off'
      : `WebSocket ping every ${timeOf(gateway.pingIntervalMs)}, pong within ${timeOf(gateway.readTimeoutMs)}`;
  return `sequenceDiagram
  autonumber
  participant V as Viewer<br/>browser with noVNC
  participant T as Traefik<br/>websecure :${site.port}
  participant G as Gateway<br/>:${gateway.port}
  participant C as Control<br/>:${control.port}
  participant R as Runner<br/>:${runner.port}
  participant X as x11vnc<br/>:${spanOf(runner.rfbPorts)}

  rect rgba(90, 130, 220, 0.1)
  note over V,X: A session is made
  V->>T: POST ${ROUTES.apiPrefix}/sessions (HTTPS)
  T->>C: POST /sessions (${ROUTES.apiPrefix} stripped)
  C->>R: POST /sessions (service key)
  R->>X: Xvfb, x11vnc and browser, a password of its own
  X-->>R: RFB greeting, password, ServerInit
  R-->>C: target and password
  C-->>V: vnc.http and vnc.ws, with a token that holds both, sealed
  end

  rect rgba(90, 180, 90, 0.1)
  note over V,X: The page, then the socket
  V->>T: GET ${ROUTES.viewerPrefix}{id} (the token stays in the fragment)
  T->>G: the same path, nothing stripped
  G-->>V: viewer page with noVNC
  V->>T: GET ${ROUTES.socketPath}?token=… Upgrade: websocket (WSS)
  note over T: TLS ends here
  T->>G: the same request (WS)
  note over G: Origin, place, token, allowed target
  G->>X: TCP dial within ${timeOf(gateway.connectTimeoutMs)}
  X-->>G: RFB 003.008, VNC password, SecurityResult within ${timeOf(gateway.greetingTimeoutMs)}
  G-->>V: 101 Switching Protocols
  end

  rect rgba(220, 170, 60, 0.1)
  note over V,X: The picture, as long as both live. Traefik passes every byte on, and looks at none
  G-->>V: RFB greeting, security type None
  X-->>V: ServerInit (size, format)
  V->>X: FramebufferUpdateRequest, keys, pointer
  X-->>V: FramebufferUpdate
  loop also while the screen stands still
    G->>V: ${beat}
  end
  G->>C: who watches, every 10 s
  end

  rect rgba(210, 90, 90, 0.1)
  note over V,X: The end: one cause, one close code, one line
  alt the viewer leaves
    V->>G: close 1000
    G->>X: FIN
  else the session is released
    C->>G: session.ended (event stream)
    G->>V: close 4410
  else the gateway is replaced
    G->>V: close 1012, connect again
  end
  note over G: one line: session.closed, cause, wsKey
  note over T: one line: status 0, lifetime, the same key
  end
`;
}
