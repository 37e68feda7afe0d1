-- One administration a request.
local phq9 = require "phq9"

function init(arguments)
  phq9.init(arguments)
end

function request()
  local episode, week = phq9.next()
  return wrk.format("PUT", wrk.path .. phq9.uuid(), nil, "{" .. phq9.fields(episode, week) .. "}")
end
