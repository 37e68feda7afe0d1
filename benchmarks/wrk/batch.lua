-- A batch a request: so many episodes with so many new answers each (arguments 7 and 8).
local phq9 = require "phq9"
local episodes, answers

function init(arguments)
  phq9.init(arguments)
  episodes, answers = tonumber(arguments[7]), tonumber(arguments[8])
end

function request()
  local entries = {}
  for _ = 1, episodes do
    local episode, week = phq9.next()
    for answer = 0, answers - 1 do
      entries[#entries + 1] = string.format('{"id":"%s",%s}', phq9.uuid(), phq9.fields(episode, week + answer))
    end
  end
  return wrk.format("PUT", nil, nil, '{"administrations":[' .. table.concat(entries, ",") .. "]}")
end
