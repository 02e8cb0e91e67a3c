{{/* A runner is well when its API answers and its sessions have living browsers; only the service key opens that API. */}}
{{- define "camofleet.runner.probes" -}}
{{- $command := list "/usr/local/bin/node" "/app/bin/run.js" "healthcheck" "runner" -}}
startupProbe:
  exec: { command: {{ toJson $command }} }
  periodSeconds: 3
  timeoutSeconds: 10
  failureThreshold: 40
readinessProbe:
  exec: { command: {{ toJson $command }} }
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 3
{{- end -}}
