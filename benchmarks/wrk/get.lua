-- The same page again and again, or that of another episode each time.
local phq9 = require "phq9"

function init(arguments)
  phq9.init(arguments)
  wrk.headers["Accept"] = arguments[9]
end

function request()
  return wrk.format("GET", (wrk.path:gsub("EPISODE", (phq9.next()))))
end
