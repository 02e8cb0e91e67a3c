{{/* The name that everything of a release begins with; room is left for what is added to it. */}}
{{- define "camofleet.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels of an object: (list . "gateway"), or (list . "") for what belongs to no service. */}}
{{- define "camofleet.labels" -}}
{{- $root := index . 0 -}}
{{ include "camofleet.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* What selects the pods of a service: (list . "gateway"). */}}
{{- define "camofleet.selector" -}}
app.kubernetes.io/name: camofleet
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- with index . 1 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* The image of a service: (list . "gateway"). */}}
{{- define "camofleet.image" -}}
{{- $root := index . 0 -}}
{{- $image := $root.Values.image -}}
{{- $name := printf "%s/%s:%s" $image.repository (index . 1) ($image.tag | default $root.Chart.AppVersion) -}}
{{- if $image.registry }}{{ $image.registry }}/{{ end }}{{ $name }}
{{- end -}}

{{/* `https://host[:port]`, as browsers write an origin. */}}
{{- define "camofleet.origin" -}}
{{- $public := .Values.topology.public -}}
https://{{ lower $public.host }}{{ if ne (toJson $public.port) "443" }}:{{ toJson $public.port }}{{ end }}
{{- end -}}

{{/* The Secret with the keys: one that exists, or ours. */}}
{{- define "camofleet.secret" -}}
{{- .Values.secrets.existing | default (printf "%s-keys" (include "camofleet.fullname" .)) -}}
{{- end -}}

{{/* Milliseconds of the topology as a Go duration. */}}
{{- define "camofleet.duration" -}}
{{ toJson . }}ms
{{- end -}}

{{/* From the first word of the end to the kill: the time that load balancers have, the gateway's own grace, and a rest. */}}
{{- define "camofleet.gateway.grace" -}}
{{- add .Values.gateway.preStopSeconds (div (add (int64 .Values.topology.gateway.shutdownGraceMs) 999) 1000) 5 -}}
{{- end -}}

{{/* What every pod of a service says about its security: (list . "gateway"). */}}
{{- define "camofleet.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
# The keys are files of root that this group may read.
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  {{- if eq (index . 1) "runner" }}
  {{- toYaml (index . 0).Values.runner.seccompProfile | nindent 2 }}
  {{- else }}
  type: RuntimeDefault
  {{- end }}
{{- end -}}

{{- define "camofleet.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The keys that a service may see: (list . "token-keys" "service-key"). */}}
{{- define "camofleet.keys" -}}
- name: keys
  secret:
    secretName: {{ include "camofleet.secret" (index . 0) }}
    defaultMode: 0440
    items:
      {{- range rest . }}
      - key: {{ . }}
        path: {{ . }}
      {{- end }}
{{- end -}}

{{/* What a pod template shares with all others: (list . "gateway" .Values.gateway). */}}
{{- define "camofleet.pod" -}}
{{- $root := index . 0 -}}
{{- $service := index . 1 -}}
{{- $values := index . 2 -}}
serviceAccountName: {{ include "camofleet.fullname" $root }}-{{ $service }}
automountServiceAccountToken: false
# Kubernetes would describe every Service in the environment; ours holds settings.
enableServiceLinks: false
securityContext:
  {{- include "camofleet.podSecurity" (list $root $service) | nindent 2 }}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "camofleet.selector" (list $root $service) | nindent 8 }}
{{- end -}}

{{/* Annotations of a pod template; a changed setting starts new pods: (list . "gateway" .Values.gateway internalPort). */}}
{{- define "camofleet.podAnnotations" -}}
{{- $root := index . 0 -}}
checksum/settings: {{ include (printf "camofleet.environment.%s" (index . 1)) $root | sha256sum }}
{{- if $root.Values.metrics.enabled }}
prometheus.io/scrape: "true"
prometheus.io/path: /metrics
prometheus.io/port: {{ toJson (index . 3) | quote }}
{{- end }}
{{- with (index . 2).podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}
