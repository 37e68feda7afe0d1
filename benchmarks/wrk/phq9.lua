-- Bodies of PHQ-9 administrations with ids that nobody has used, and what came of a run.
-- wrk gives each thread a Lua of its own, and a main one that calls `setup` and `done`.

local phq9 = {}

local WEEK = 7 * 24 * 3600
local threads, addresses = {}, {}
for address in os.getenv("WRK_ADDRESSES"):gmatch("%S+") do
  addresses[#addresses + 1] = address
end

-- Answers to the first eight items, from the first weeks to the last ones: totals fall from 15 to 5.
local COURSE = {
  {2, 2, 2, 2, 2, 2, 2, 1}, {2, 2, 2, 2, 1, 2, 2, 1}, {2, 2, 2, 2, 1, 2, 1, 1}, {2, 2, 1, 2, 1, 2, 1, 1},
  {2, 1, 2, 2, 1, 1, 1, 1}, {2, 1, 1, 2, 1, 1, 1, 1}, {1, 1, 2, 2, 1, 1, 1, 0}, {1, 1, 1, 2, 1, 1, 1, 0},
  {1, 1, 1, 1, 1, 1, 1, 0}, {0, 1, 1, 1, 0, 1, 1, 0},
}
-- One form in so many has a positive item 9.
local CRITICAL = 10

-- What a run is told after `--`: the episodes' file, the token, when week 0 was, the run's number (no two runs of a
-- bench have the same), the first position and the number of scores that each episode had before position 0.
function phq9.init(arguments)
  phq9.run, phq9.position = tonumber(arguments[4]), tonumber(arguments[5])
  phq9.week_0, phq9.scores = tonumber(arguments[3]), tonumber(arguments[6])
  phq9.episodes = {}
  for line in io.lines(arguments[1]) do
    phq9.episodes[#phq9.episodes + 1] = line
  end
  wrk.headers["Authorization"] = "Bearer " .. arguments[2]
  wrk.headers["Content-Type"] = "application/json"
  math.randomseed(phq9.run * 1000 + thread_number)
  used = 0
end

-- A random UUID (version 4) whose last part tells run, thread and count, so that no two are the same.
function phq9.uuid()
  used = used + 1
  return string.format("%08x-%04x-4%03x-%04x-%04x%01x%07x", math.random(0, 0xffffffff), math.random(0, 0xffff),
    math.random(0, 0xfff), math.random(0x8000, 0xbfff), phq9.run, thread_number, used)
end

-- The fields of one administration, without braces.
function phq9.fields(episode, week)
  local a = COURSE[math.min(math.max(math.floor(week / 2) + math.random(-1, 2), 1), #COURSE)]
  local item_9 = math.random(CRITICAL) == 1 and 1 or 0
  return string.format('"episode_id":"%s","instrument":"phq-9","completed_at":"%s","answers":{"1":%d,"2":%d,"3":%d,' ..
    '"4":%d,"5":%d,"6":%d,"7":%d,"8":%d,"9":%d}', episode,
    os.date("!%Y-%m-%dT%H:%M:%SZ", phq9.week_0 + week * WEEK + math.random(0, 3600)),
    a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], item_9)
end

-- Where the next score goes: each time to another episode, and round again a week later.
function phq9.next()
  local place = phq9.position + taken * thread_count + thread_number
  taken = taken + 1
  return phq9.episodes[place % #phq9.episodes + 1], phq9.scores + math.floor(place / #phq9.episodes)
end

function setup(thread)
  local host, port = addresses[#threads + 1]:match("(.+):(%d+)")
  thread.addr = wrk.lookup(host, port)[1]
  thread:set("thread_number", #threads)
  thread:set("thread_count", #addresses)
  thread:set("used", 0)
  thread:set("taken", 0)
  threads[#threads + 1] = thread
end

function done(summary, latency, requests)
  local taken = 0
  for _, thread in ipairs(threads) do
    taken = math.max(taken, thread:get("taken"))
  end
  local errors = summary.errors
  io.write(string.format('\nRESULT {"requests": %d, "microseconds": %d, "median": %d, "p99": %d, "longest": %d, ' ..
    '"refused": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d, "taken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout, taken * #threads))
end

return phq9
