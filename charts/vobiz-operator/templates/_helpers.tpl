{{- define "vobiz-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of a Service is a label of 63 characters that begins with a letter; 52 leave room for the suffixes below. A
     name that is longer, or no such label, is changed, with a digest of the release's, so that no two releases meet. An
     installation that works under the name that earlier versions made keeps it. */}}
{{- define "vobiz-operator.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $own := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- $full := default $own .Values.fullnameOverride -}}
{{- $cut := $full | trunc 52 | trimSuffix "-" -}}
{{- $isLabel := regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $cut -}}
{{- if and $isLabel (eq $cut $full) -}}
{{- $cut -}}
{{- else if and (or $isLabel (not .Values.metrics.enabled)) (lookup "apps/v1" "Deployment" .Release.Namespace $cut | dig "metadata" "labels" "app.kubernetes.io/instance" "" | eq .Release.Name) -}}
{{- $cut -}}
{{- else -}}
{{- $changed := regexReplaceAll "^[0-9]" $full "vobiz-$0" | replace "." "-" | trunc 43 | trimSuffix "-" -}}
{{- printf "%s-%s" $changed (sha256sum .Release.Name | trunc 8) -}}
{{- end -}}
{{- end -}}

{{/* Of what has no namespace, or lies in a namespace of another release: two releases of one name must not meet there. */}}
{{- define "vobiz-operator.globalName" -}}
{{- printf "%s:%s" (include "vobiz-operator.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "vobiz-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "vobiz-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "vobiz-operator.labels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" (.Chart.AppVersion | toString)
  "app.kubernetes.io/managed-by" .Release.Service
  "app.kubernetes.io/part-of" "vobiz-operator" -}}
{{- /* The first wins: no label of a user's may take a pod away from its Deployment. */ -}}
{{- toYaml (merge (dict) (include "vobiz-operator.selectorLabels" . | fromYaml) $own .Values.commonLabels) -}}
{{- end -}}

{{/* Metadata of an object: (dict "root" $ "name" … "namespace" … "labels" … "annotations" …), all but root optional. */}}
{{- define "vobiz-operator.metadata" -}}
{{- $root := .root -}}
name: {{ default (include "vobiz-operator.fullname" $root) .name | quote }}
{{- with .namespace }}
namespace: {{ . | quote }}
{{- end }}
labels:
  {{- toYaml (merge (dict) (include "vobiz-operator.labels" $root | fromYaml) (default dict .labels)) | nindent 2 }}
{{- with merge (dict) (default dict .annotations) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "vobiz-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "vobiz-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "vobiz-operator.subject" -}}
- kind: ServiceAccount
  name: {{ include "vobiz-operator.serviceAccountName" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end -}}

{{- define "vobiz-operator.image" -}}
{{- with .Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .Values.image.repository -}}
{{- if .Values.image.digest -}}
@{{ .Values.image.digest }}
{{- else -}}
:{{ default (.Chart.AppVersion | toString) .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "vobiz-operator.secretName" -}}
{{- default (printf "%s-credentials" (include "vobiz-operator.fullname" .)) .Values.vobiz.existingSecret -}}
{{- end -}}

{{- define "vobiz-operator.createsSecret" -}}
{{- if and .Values.vobiz.authId .Values.vobiz.authToken }}yes{{ end -}}
{{- end -}}

{{/* Whether there is an account beside the declared ones. */}}
{{- define "vobiz-operator.hasAccount" -}}
{{- if or .Values.vobiz.existingSecret (include "vobiz-operator.createsSecret" .) }}yes{{ end -}}
{{- end -}}

{{- define "vobiz-operator.caFile" -}}
{{- if or .Values.vobiz.ca.configMap .Values.vobiz.ca.secret -}}
/etc/vobiz-operator/ca/ca.crt
{{- else -}}
{{- .Values.vobiz.caFile -}}
{{- end -}}
{{- end -}}

{{/* The seconds of a duration like 90s, 2m or 1h30m; vobiz-operator.validate lets no other pass. */}}
{{- define "vobiz-operator.seconds" -}}
{{- $total := 0 -}}
{{- range $part := regexFindAll "[0-9]+[hms]" . -1 -}}
{{- $factor := get (dict "h" 3600 "m" 60 "s" 1) (substr (sub (len $part) 1 | int) (len $part) $part) -}}
{{- $total = add $total (mul $factor (regexFind "[0-9]+" $part | atoi)) -}}
{{- end -}}
{{- $total -}}
{{- end -}}

{{/* A stop waits for a purchase and 30 s more, in which its outcome is stored, and then hands the Lease over; killed
     earlier, the outcome would be unknown. */}}
{{- define "vobiz-operator.leastGrace" -}}
{{- add (include "vobiz-operator.seconds" (toString .Values.vobiz.purchaseTimeout) | int) 45 -}}
{{- end -}}

{{- define "vobiz-operator.grace" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- add (include "vobiz-operator.leastGrace" . | int) 15 -}}
{{- else -}}
{{- .Values.terminationGracePeriodSeconds | int -}}
{{- end -}}
{{- end -}}

{{/* The port of a URL like https://host:8443/path. */}}
{{- define "vobiz-operator.urlPort" -}}
{{- $host := (urlParse .).host -}}
{{- if regexMatch ":[0-9]+$" $host -}}
{{- regexFind "[0-9]+$" $host -}}
{{- else -}}
443
{{- end -}}
{{- end -}}
