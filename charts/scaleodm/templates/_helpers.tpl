{{/* The chart's name. */}}
{{- define "scaleodm.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of what is rendered; 63 characters are what a label may have. "-admin" still has to fit behind it. */}}
{{- define "scaleodm.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 57 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 57 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 57 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "scaleodm.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "scaleodm.labels" -}}
helm.sh/chart: {{ include "scaleodm.chart" . }}
{{ include "scaleodm.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "scaleodm.selectorLabels" -}}
app.kubernetes.io/name: {{ include "scaleodm.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "scaleodm.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "scaleodm.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "scaleodm.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}

{{/* Whether there may be more than one pod, beside the moments of a rollout: "yes" or nothing. */}}
{{- define "scaleodm.isReplicated" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) }}yes{{ end }}
{{- end }}

{{/* Whether there is a volume: with an object store and PostgreSQL nothing has to stay. "yes" or nothing. */}}
{{- define "scaleodm.hasVolume" -}}
{{- $isNeeded := or (not .Values.storage.s3.enabled) (eq .Values.database.kind "sqlite") }}
{{- if and .Values.storage.persistence.enabled $isNeeded }}yes{{ end }}
{{- end }}

{{/* Whether two pods at once can't both have what they need, not even during a rollout: "yes" or nothing. */}}
{{- define "scaleodm.isExclusive" -}}
{{- $persistence := .Values.storage.persistence }}
{{- $isShared := or $persistence.existingClaim (has "ReadWriteMany" $persistence.accessModes) }}
{{- if or (eq .Values.database.kind "sqlite") (and (include "scaleodm.hasVolume" .) (not $isShared)) }}yes{{ end }}
{{- end }}

{{- define "scaleodm.claimName" -}}
{{- .Values.storage.persistence.existingClaim | default (printf "%s-data" (include "scaleodm.fullname" .)) }}
{{- end }}

{{/* The inventory: what the chart knows, and over it what the values say. */}}
{{- define "scaleodm.inventory" -}}
{{- $keys := .Values.secrets.runtime.keys }}
{{- $base := dict
    "listen" "0.0.0.0:31100"
    "admin" (dict "listen" "0.0.0.0:31101" "token" (printf "${%s}" $keys.adminToken))
    "log" (dict "format" "json")
    "storage" (dict "directory" "/var/lib/scaleodm/storage")
}}
{{- if eq .Values.database.kind "sqlite" }}
{{- $_ := set $base "database" "sqlite:/var/lib/scaleodm/scaleodm.db" }}
{{- else }}
{{- $_ := set $base "database" (printf "${%s}" $keys.databaseUrl) }}
{{- end }}
{{- with .Values.storage.s3 }}
{{- if .enabled }}
{{- $s3 := dict "bucket" .bucket "prefix" .prefix
    "region" (printf "${%s:-us-east-1}" $keys.region)
    "endpoint" (printf "${%s:-https://s3.amazonaws.com}" $keys.s3Endpoint)
    "access_key_id" (printf "${%s}" $keys.accessKey)
    "secret_access_key" (printf "${%s}" $keys.secretKey)
}}
{{- if kindIs "bool" .pathStyle }}{{ $_ := set $s3 "path_style" .pathStyle }}{{ end }}
{{- $_ := set $base.storage "s3" $s3 }}
{{- end }}
{{- end }}
{{- $_ := set $base "backends" .Values.backends }}
{{- mergeOverwrite $base (deepCopy .Values.inventory) | toYaml }}
{{- end }}

{{/* What of the inventory a running gateway doesn't take over by itself: everything but backends and tokens. */}}
{{- define "scaleodm.fixedInventory" -}}
{{- $inventory := include "scaleodm.inventory" . | fromYaml }}
{{- $_ := unset $inventory "backends" }}
{{- $auth := omit (default dict $inventory.auth) "tokens" "required" }}
{{- $_ := unset $inventory "auth" }}
{{- with $auth }}{{ $_ := set $inventory "auth" . }}{{ end }}
{{- $inventory | toYaml }}
{{- end }}

{{/* One variable from the runtime secret. */}}
{{- define "scaleodm.secretVariable" -}}
- name: {{ .key }}
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .key }}
      {{- if .optional }}
      optional: true
      {{- end }}
{{- end }}
