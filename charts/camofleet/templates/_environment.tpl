{{/*
What the topology says, as the settings of each service. A test holds these against src/topology/environment.ts, which
does the same for the other engines.
*/}}

{{/* Where the keys lie in a container. */}}
{{- define "camofleet.keyFile" -}}
/run/secrets/camofleet/{{ . }}
{{- end -}}

{{- define "camofleet.environment.gateway" -}}
{{- $t := .Values.topology -}}
{{- $targets := list -}}
{{- range .Values.network.pods -}}
{{- $targets = append $targets (printf "%s:%s-%s" . (toJson $t.runner.rfbPorts.min) (toJson $t.runner.rfbPorts.max)) -}}
{{- end -}}
{{- $own := dict
  "HTTP_HOST" "0.0.0.0"
  "HTTP_PORT" (toJson $t.gateway.port)
  "CAMOFLEET_GATEWAY_INTERNAL_HOST" (ternary "0.0.0.0" "127.0.0.1" .Values.metrics.enabled)
  "CAMOFLEET_GATEWAY_INTERNAL_PORT" (toJson $t.gateway.internalPort)
  "CAMOFLEET_GATEWAY_FLEET_ID" $t.fleet.id
  "CAMOFLEET_GATEWAY_TOKEN_KEYS_FILE" (include "camofleet.keyFile" "token-keys")
  "CAMOFLEET_GATEWAY_SERVICE_KEY_FILE" (include "camofleet.keyFile" "service-key")
  "CAMOFLEET_GATEWAY_CONTROL_URL" (printf "http://%s-control:%s" (include "camofleet.fullname" .) (toJson $t.control.internalPort))
  "CAMOFLEET_GATEWAY_ALLOWED_TARGETS" (join "," $targets)
  "WS_PING_INTERVAL_MS" (toJson $t.gateway.pingIntervalMs)
  "WS_READ_TIMEOUT_MS" (toJson $t.gateway.readTimeoutMs)
  "WS_WRITE_TIMEOUT_MS" (toJson $t.gateway.writeTimeoutMs)
  "TCP_IDLE_TIMEOUT_MS" (toJson $t.gateway.idleTimeoutMs)
  "TCP_CONNECT_TIMEOUT_MS" (toJson $t.gateway.connectTimeoutMs)
  "CAMOFLEET_GATEWAY_GREETING_TIMEOUT_MS" (toJson $t.gateway.greetingTimeoutMs)
  "SHUTDOWN_GRACE_MS" (toJson $t.gateway.shutdownGraceMs)
  "CAMOFLEET_GATEWAY_DRAIN_DELAY_MS" (toJson $t.gateway.drainDelayMs)
  "MAX_CONCURRENT_SESSIONS" (toJson $t.gateway.maxSessions)
  "CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE" (toJson $t.gateway.failedAttemptsPerMinute)
  "CAMOFLEET_GATEWAY_ALLOWED_ORIGINS" (join "," (prepend $t.gateway.allowedOrigins (include "camofleet.origin" .)))
  "CAMOFLEET_GATEWAY_TRUSTED_PROXIES" (join "," (concat .Values.network.pods $t.ingress.trustedProxies))
  "CAMOFLEET_GATEWAY_FRAME_ANCESTORS" (join "," $t.gateway.frameAncestors)
  "LOG_LEVEL" $t.logLevel
-}}
{{- toYaml (mergeOverwrite $own .Values.gateway.settings) -}}
{{- end -}}

{{- define "camofleet.environment.control" -}}
{{- $t := .Values.topology -}}
{{- $full := include "camofleet.fullname" . -}}
{{- $origin := include "camofleet.origin" . -}}
{{- $workers := list -}}
{{- range until (int .Values.runner.replicas) -}}
{{- $name := printf "%s-runner-%d" $full . -}}
{{- $workers = append $workers (dict
  "name" $name
  "url" (printf "http://%s.%s-runner.%s.svc:%s" $name $full $.Release.Namespace (toJson $t.runner.port))
  "supports_vnc" true
  "vnc_ws" (printf "%s/websockify?token={id}" (replace "https://" "wss://" $origin))
  "vnc_http" (printf "%s/vnc/{id}" $origin)) -}}
{{- end -}}
{{- $own := dict
  "CONTROL_HOST" "0.0.0.0"
  "CONTROL_PORT" (toJson $t.control.port)
  "CAMOFLEET_CONTROL_INTERNAL_HOST" "0.0.0.0"
  "CAMOFLEET_CONTROL_INTERNAL_PORT" (toJson $t.control.internalPort)
  "CONTROL_WORKERS" (toJson $workers)
  "CONTROL_REQUEST_TIMEOUT" (toJson $t.control.requestTimeoutSeconds)
  "CONTROL_PUBLIC_API_PREFIX" "/api"
  "CAMOFLEET_CONTROL_FLEET_ID" $t.fleet.id
  "CAMOFLEET_CONTROL_TOKEN_KEYS_FILE" (include "camofleet.keyFile" "token-keys")
  "CAMOFLEET_CONTROL_TOKEN_TTL_SECONDS" (toJson $t.control.tokenTtlSeconds)
  "CAMOFLEET_CONTROL_OPERATOR_KEY_FILE" (include "camofleet.keyFile" "operator-key")
  "CAMOFLEET_CONTROL_SERVICE_KEY_FILE" (include "camofleet.keyFile" "service-key")
  "CAMOFLEET_CONTROL_STATE_DIR" "/var/lib/camofleet/control"
  "CAMOFLEET_CONTROL_PUBLIC_ORIGINS" $origin
  "CAMOFLEET_CONTROL_TRUSTED_PROXIES" (join "," (concat .Values.network.pods $t.ingress.trustedProxies))
  "CAMOFLEET_CONTROL_LOG_LEVEL" $t.logLevel
-}}
{{- toYaml (mergeOverwrite $own .Values.control.settings) -}}
{{- end -}}

{{- define "camofleet.environment.runner" -}}
{{- $t := .Values.topology -}}
{{- $own := dict
  "RUNNER_HOST" "0.0.0.0"
  "RUNNER_PORT" (toJson $t.runner.port)
  "CAMOFLEET_RUNNER_INTERNAL_HOST" "0.0.0.0"
  "CAMOFLEET_RUNNER_INTERNAL_PORT" (toJson $t.runner.internalPort)
  "CAMOFLEET_RUNNER_SERVICE_KEY_FILE" (include "camofleet.keyFile" "service-key")
  "CAMOFLEET_RUNNER_STATE_DIR" "/tmp/camofleet"
  "RUNNER_VNC_DISPLAY_MIN" (toJson $t.runner.displays.min)
  "RUNNER_VNC_DISPLAY_MAX" (toJson $t.runner.displays.max)
  "RUNNER_VNC_PORT_MIN" (toJson $t.runner.rfbPorts.min)
  "RUNNER_VNC_PORT_MAX" (toJson $t.runner.rfbPorts.max)
  "RUNNER_VNC_RESOLUTION" $t.runner.resolution
  "RUNNER_SESSION_DEFAULTS__IDLE_TTL_SECONDS" (toJson $t.runner.idleTtlSeconds)
  "RUNNER_SESSION_DEFAULTS__START_URL" $t.runner.startUrl
  "RUNNER_VNC_STARTUP_TIMEOUT_SECONDS" (toJson $t.runner.startupTimeoutSeconds)
  "CAMOFLEET_RUNNER_MAX_SESSIONS" (toJson $t.runner.maxSessions)
  "RUNNER_PREWARM_VNC" (toJson $t.runner.prewarm.vnc)
  "RUNNER_PREWARM_HEADLESS" (toJson $t.runner.prewarm.headless)
  "CAMOFLEET_RUNNER_BROWSERS" (toJson $t.runner.browsers)
  "CAMOFLEET_RUNNER_DEFAULT_BROWSER" $t.runner.defaultBrowser
  "CAMOFLEET_RUNNER_LOG_LEVEL" $t.logLevel
-}}
{{- toYaml (mergeOverwrite $own .Values.runner.settings) -}}
{{- end -}}
