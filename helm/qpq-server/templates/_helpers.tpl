{{- define "qpq.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "qpq.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "qpq.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "qpq.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes in a release's life: a Deployment's selector cannot. */}}
{{- define "qpq.selector" -}}
app.kubernetes.io/name: {{ include "qpq.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "qpq.labels" -}}
{{ include "qpq.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: quicproquo
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* A part's own: { root, part }. */}}
{{- define "qpq.partSelector" -}}
{{ include "qpq.selector" .root }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}
{{- define "qpq.partLabels" -}}
{{ include "qpq.labels" .root }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "qpq.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "qpq.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}{{ .Values.serviceAccount.name | default (include "qpq.fullname" .) }}
{{- else -}}{{ .Values.serviceAccount.name | default "default" }}{{- end -}}
{{- end -}}

{{- define "qpq.serverName" -}}
{{- .Values.config.serverName | default (printf "%s.%s.svc" (include "qpq.fullname" .) .Release.Namespace) -}}
{{- end -}}

{{- define "qpq.websocket" -}}
{{- if ne (.Values.config.websocket | default "on") "off" -}}on{{- end -}}
{{- end -}}

{{- define "qpq.tlsSecret" -}}
{{- .Values.tls.existingSecret | default (printf "%s-tls" (include "qpq.fullname" .)) -}}
{{- end -}}

{{/* Text of a Secret that the chart made at an install before, or else the default: { root, secret, key, default }. */}}
{{- define "qpq.kept" -}}
{{- $secret := lookup "v1" "Secret" .root.Release.Namespace .secret -}}
{{- if and $secret (hasKey ($secret.data | default dict) .key) -}}
{{- index $secret.data .key | b64dec -}}
{{- else -}}{{- .default -}}{{- end -}}
{{- end -}}

{{/*
The secrets that are given, as a map of name -> { secret, key, value }; value only where the chart makes the Secret.
A secret's variable ends in _FILE and names where it is mounted.
*/}}
{{- define "qpq.secrets" -}}
{{- $fullname := include "qpq.fullname" . -}}
{{- $given := dict -}}
{{- range $name, $from := .Values.secrets -}}
{{- if and $from.value $from.existingSecret -}}
{{- fail (printf "secrets.%s: give value or existingSecret, not both" $name) -}}
{{- end -}}
{{- if $from.existingSecret -}}
{{- $_ := set $given $name (dict "secret" $from.existingSecret "key" $from.key) -}}
{{- else if $from.value -}}
{{- $_ := set $given $name (dict "secret" $fullname "key" (kebabcase $name) "value" $from.value) -}}
{{- end -}}
{{- end -}}
{{- $made := dict "transportSecret" (randAlphaNum 43) -}}
{{- if .Values.bundled.postgres.enabled -}}
{{- if or $given.databaseUrl $given.databasePassword -}}
{{- fail "bundled.postgres.enabled has its own databaseUrl and databasePassword: leave them out of secrets" -}}
{{- end -}}
{{- $_ := set $given "databaseUrl" (dict "secret" $fullname "key" "database-url" "value" (printf "postgres://qpq@%s-postgres:5432/qpq?sslmode=disable" $fullname)) -}}
{{- $_ := set $made "databasePassword" (randAlphaNum 32) -}}
{{- end -}}
{{- if .Values.bundled.redis.enabled -}}
{{- if $given.redisUrl -}}{{- fail "bundled.redis.enabled has its own redisUrl: leave it out of secrets" -}}{{- end -}}
{{- $_ := set $made "redisUrl" (printf "redis://default:%s@%s-redis:6379" (randAlphaNum 32) $fullname) -}}
{{- end -}}
{{- range $name, $default := $made -}}
{{- if not (hasKey $given $name) -}}
{{- $key := kebabcase $name -}}
{{- $value := include "qpq.kept" (dict "root" $ "secret" $fullname "key" $key "default" $default) -}}
{{- $_ := set $given $name (dict "secret" $fullname "key" $key "value" $value) -}}
{{- end -}}
{{- end -}}
{{- if not $given.databaseUrl -}}
{{- fail "say where the database is: secrets.databaseUrl, or bundled.postgres.enabled=true for trying out" -}}
{{- end -}}
{{- if not $given.opaqueSetup -}}
{{- fail (printf "logins need secrets.opaqueSetup, the same for ever. Make it once:\n  kubectl run qpq-setup --rm -i -q --restart=Never --image=%s --command -- qpq-server secrets opaque-setup | kubectl create secret generic qpq-opaque --from-file=opaque-setup=/dev/stdin\nthen: --set secrets.opaqueSetup.existingSecret=qpq-opaque" (include "qpq.image" .)) -}}
{{- end -}}
{{- toJson $given -}}
{{- end -}}

{{/* The variable of a secret: { name }. */}}
{{- define "qpq.secretVariable" -}}
{{- if eq .name "otlpHeaders" -}}OTEL_EXPORTER_OTLP_HEADERS_FILE{{- else -}}QPQ_{{ .name | snakecase | upper }}_FILE{{- end -}}
{{- end -}}

{{/* Secrets as files of one folder: { secrets, names }. */}}
{{- define "qpq.secretsVolume" -}}
projected:
  # with fsGroup: the pod's group reads, nobody else
  defaultMode: 0440
  sources:
    {{- range $name := .names | sortAlpha }}
    {{- with index $.secrets $name }}
    - secret:
        name: {{ .secret }}
        items: [{ key: {{ .key | quote }}, path: {{ kebabcase $name }} }]
    {{- end }}
    {{- end }}
{{- end -}}

{{- define "qpq.secretEnv" -}}
{{- range $name := .names | sortAlpha }}
{{- if and (hasKey $.secrets $name) (ne $name "transportSecret") }}
- name: {{ include "qpq.secretVariable" (dict "name" $name) }}
  value: /run/secrets/qpq/{{ kebabcase $name }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What goes only by the hook: while there is no release yet there is nothing of the chart's to read. */}}
{{- define "qpq.migrateByHook" -}}
{{- if and .Values.migrations.hook (not .Values.bundled.postgres.enabled) -}}true{{- end -}}
{{- end -}}

{{/* The container that migrates: { root, secrets }; its volume is called secrets. */}}
{{- define "qpq.migrateContainer" -}}
{{- with .root -}}
name: migrate
image: {{ include "qpq.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command: [qpq-server, migrate]
env:
  - name: QPQ_STORE
    value: cluster
  {{- include "qpq.secretEnv" (dict "secrets" $.secrets "names" (list "databaseUrl" "databasePassword")) | nindent 2 }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
resources:
  requests: { cpu: 100m, memory: 128Mi }
  limits: { memory: 512Mi }
volumeMounts:
  - name: secrets
    mountPath: /run/secrets/qpq
    readOnly: true
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* Where pods run. */}}
{{- define "qpq.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
