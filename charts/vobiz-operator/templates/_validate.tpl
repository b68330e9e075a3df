{{/* What no schema can say well: which values contradict each other. All of it is said at once. */}}
{{- define "vobiz-operator.validate" -}}
{{- $problems := list -}}
{{- $vobiz := .Values.vobiz -}}
{{- if and $vobiz.existingSecret (or $vobiz.authId $vobiz.authToken) -}}
{{- $problems = append $problems "vobiz.existingSecret and vobiz.authId or vobiz.authToken are set: the credentials come from one or the other" -}}
{{- end -}}
{{- if ne (empty $vobiz.authId) (empty $vobiz.authToken) -}}
{{- $problems = append $problems "vobiz.authId and vobiz.authToken belong together: set both, or use vobiz.existingSecret" -}}
{{- end -}}
{{- $sources := compact (list $vobiz.ca.configMap $vobiz.ca.secret $vobiz.caFile) -}}
{{- if gt (len $sources) 1 -}}
{{- $problems = append $problems "vobiz.ca.configMap, vobiz.ca.secret and vobiz.caFile exclude each other: set one" -}}
{{- end -}}
{{- range $name := list "purchaseTimeout" "settleTime" "resyncInterval" -}}
{{- $span := get $vobiz $name | toString -}}
{{- if not (and (regexMatch "^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$" $span) (include "vobiz-operator.seconds" $span | int)) -}}
{{- $problems = append $problems (printf "vobiz.%s is %q: write a duration like 90s, 2m or 1m30s" $name $span) -}}
{{- end -}}
{{- end -}}
{{- /* A URL may say who asks: what is shown of it begins behind that. */ -}}
{{- if regexMatch "^[^/?#]*(//)?[^/?#]*@" $vobiz.apiUrl -}}
{{- $problems = append $problems (printf "vobiz.apiUrl has a user name or a password before %q: leave them out, and give the credentials by vobiz.existingSecret" (regexReplaceAll "^.*@" $vobiz.apiUrl "")) -}}
{{- else if not (regexMatch "^(https://[^/\\s]+(/\\S*)?|http://(127\\.[0-9.]+|localhost|\\[::1\\])(:[0-9]+)?(/\\S*)?)$" $vobiz.apiUrl) -}}
{{- $problems = append $problems (printf "vobiz.apiUrl is %q: it must be https, or http to a loopback host; the token would travel in the clear" $vobiz.apiUrl) -}}
{{- end -}}
{{- if not (regexMatch "^[1-9][0-9]*(/[1-9][0-9]*)?$" (toString $vobiz.rateLimit)) -}}
{{- $problems = append $problems (printf "vobiz.rateLimit is %q: write calls a second, and optionally the burst, like 20 or 20/40" (toString $vobiz.rateLimit)) -}}
{{- end -}}
{{- range .Values.watchNamespaces -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" .) -}}
{{- $problems = append $problems (printf "watchNamespaces has %q: a namespace's name has small letters, digits and hyphens only" .) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.image.digest (not (regexMatch "^sha256:[0-9a-f]{64}$" .Values.image.digest)) -}}
{{- $problems = append $problems (printf "image.digest is %q: a digest is sha256: and 64 hexadecimal digits" .Values.image.digest) -}}
{{- end -}}
{{- range $name, $pods := pick .Values.podDisruptionBudget "minAvailable" "maxUnavailable" -}}
{{- if and (kindIs "string" $pods) (not (regexMatch "^[0-9]{1,3}%$" $pods)) -}}
{{- $problems = append $problems (printf "podDisruptionBudget.%s is %q: write a number of pods, or a percentage like 50%%" $name $pods) -}}
{{- end -}}
{{- end -}}
{{- $timeout := include "vobiz-operator.seconds" (toString $vobiz.purchaseTimeout) | int -}}
{{- if lt (include "vobiz-operator.seconds" (toString $vobiz.settleTime) | int) $timeout -}}
{{- $problems = append $problems (printf "vobiz.settleTime (%v) must not be shorter than vobiz.purchaseTimeout (%v)" $vobiz.settleTime $vobiz.purchaseTimeout) -}}
{{- end -}}
{{- $least := include "vobiz-operator.leastGrace" . | int -}}
{{- if lt (include "vobiz-operator.grace" . | int) $least -}}
{{- $problems = append $problems (printf "terminationGracePeriodSeconds must be at least %d: vobiz.purchaseTimeout, and 45 s to store the outcome of a purchase under way and to hand the Lease over" $least) -}}
{{- end -}}
{{- $metrics := .Values.metrics -}}
{{- if and $metrics.serviceMonitor.enabled (not $metrics.enabled) -}}
{{- $problems = append $problems "metrics.serviceMonitor needs the Service: set metrics.enabled, or use metrics.podMonitor" -}}
{{- end -}}
{{- if and $metrics.serviceMonitor.enabled $metrics.podMonitor.enabled -}}
{{- $problems = append $problems "metrics.serviceMonitor and metrics.podMonitor would scrape everything twice: enable one" -}}
{{- end -}}
{{- $budget := .Values.podDisruptionBudget -}}
{{- if not (or (kindIs "invalid" $budget.minAvailable) (kindIs "invalid" $budget.maxUnavailable)) -}}
{{- $problems = append $problems "podDisruptionBudget.minAvailable and podDisruptionBudget.maxUnavailable exclude each other" -}}
{{- end -}}
{{- if regexMatch "^(127\\.|\\[::1\\])" .Values.http.address -}}
{{- $problems = append $problems (printf "http.address is %q: the kubelet's probes come from outside the pod" .Values.http.address) -}}
{{- end -}}
{{- $pods := .Values.replicaCount | int -}}
{{- if and $budget.enabled (or (kindIs "float64" $budget.minAvailable) (kindIs "int64" $budget.minAvailable)) (gt $pods 0) (ge (int $budget.minAvailable) $pods) -}}
{{- $problems = append $problems (printf "podDisruptionBudget.minAvailable is all %d of the pods: no node of theirs could be drained" $pods) -}}
{{- end -}}
{{- $own := keys (include "vobiz-operator.settings" . | fromYaml) -}}
{{- $own = concat $own (list "VOBIZ_AUTH_ID" "VOBIZ_AUTH_ID_FILE" "VOBIZ_AUTH_TOKEN" "VOBIZ_AUTH_TOKEN_FILE" "VOBIZ_CA_FILE" "WATCH_NAMESPACES" "LEADER_ELECTION_NAMESPACE" "POD_NAME" "POD_NAMESPACE") -}}
{{- range .Values.extraEnv -}}
{{- if has .name $own -}}
{{- $problems = append $problems (printf "extraEnv sets %s, which the chart sets: there is a value for it" .name) -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraArgs -}}
{{- /* A flag wins over its variable, and so over the value that the chart reckons with. */ -}}
{{- $twin := regexFind "^--[a-z-]+" . | trimPrefix "--" | upper | replace "-" "_" -}}
{{- if has $twin $own -}}
{{- $problems = append $problems (printf "extraArgs has %s, which the chart sets: there is a value for it" .) -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\nThese values cannot be meant:\n  - %s\n" (join "\n  - " $problems)) -}}
{{- end -}}
{{- end -}}
