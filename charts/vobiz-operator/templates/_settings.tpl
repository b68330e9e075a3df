{{/* The operator's settings as environment variables: name and value. */}}
{{- define "vobiz-operator.settings" -}}
{{- $vobiz := .Values.vobiz -}}
{{- if include "vobiz-operator.hasAccount" . }}
VOBIZ_AUTH_ID_FILE: /etc/vobiz-operator/credentials/auth-id
VOBIZ_AUTH_TOKEN_FILE: /etc/vobiz-operator/credentials/auth-token
{{- end }}
VOBIZ_API_URL: {{ $vobiz.apiUrl | quote }}
{{- with include "vobiz-operator.caFile" . }}
VOBIZ_CA_FILE: {{ . | quote }}
{{- end }}
VOBIZ_PURCHASE_TIMEOUT: {{ $vobiz.purchaseTimeout | quote }}
VOBIZ_SETTLE_TIME: {{ $vobiz.settleTime | quote }}
VOBIZ_RESYNC_INTERVAL: {{ $vobiz.resyncInterval | quote }}
VOBIZ_RATE_LIMIT: {{ $vobiz.rateLimit | toString | quote }}
VOBIZ_PURCHASE_PATH: {{ $vobiz.purchasePath | quote }}
PURCHASE_CONCURRENCY: {{ .Values.purchaseConcurrency | int | toString | quote }}
{{- with .Values.watchNamespaces }}
WATCH_NAMESPACES: {{ join "," . | quote }}
{{- end }}
HOLD_PURCHASES: {{ .Values.holdPurchases | toString | quote }}
LEADER_ELECTION_NAME: {{ include "vobiz-operator.fullname" . | quote }}
LEADER_ELECT: {{ .Values.leaderElection.enabled | toString | quote }}
HTTP_ADDR: {{ printf "%s:%d" .Values.http.address (.Values.http.port | int) | quote }}
RUST_LOG: {{ .Values.logLevel | quote }}
{{- end -}}
