-- Argo CD's health of a PhoneNumberClaim: Healthy once the number is bought, Degraded once somebody has to do
-- something, Suspended while it is paused, Progressing in between and until the operator has seen the claim as it
-- stands now.
local hs = { status = "Progressing", message = "The operator has said nothing of this claim yet." }
local status = obj.status
if status == nil or status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return hs
end
for _, condition in ipairs(status.conditions) do
  if condition.type == "Ready" then
    hs.message = condition.reason .. ": " .. condition.message
    if condition.status == "True" then
      hs.status = "Healthy"
    elseif condition.reason == "Paused" then
      hs.status = "Suspended"
    end
  elseif condition.type == "Stalled" and condition.status == "True" then
    hs.status = "Degraded"
  end
end
return hs
