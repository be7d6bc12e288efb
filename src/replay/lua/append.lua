-- Appends a batch of events, moves the marks that go with them, and tells the feed: one atomic step.
--
-- KEYS[2]  the appender: number of the last batch that was applied; then the stream of each event
-- ARGV[3]  the feed's channel
-- ARGV[4]  the batch's number, ARGV[5] the newest number whose reply the appender has
-- ARGV[6]  index of the last event that a loss precedes, 0: none; behind the last event: nothing follows the loss so far
-- ARGV[7]  how many bytes of a stream's key stand before the channel
-- ARGV[8]  for how many ms newest ids are remembered
-- ARGV[9]  how many marks there are; for each: name, where it must stand, where it goes, index of the first event
--          that goes with it, how many of them
-- then for each event: how many events to keep, for how many ms, when it was received (ms, 0: not known), slow rule, body
--
-- An entry: f floor, b body, d delay (from the receipt to the id's ms), s<keep> slow rule. Readers go by the order. The
-- name, which costs an entry nothing, says for how many ms it keeps its stream; where it is another one, that is set anew.
-- (Older versions write s, and set the stream's end with every event.)
--
-- Returns the log's head, the indexes of the events that could not be stored, and why (the last reason), how many events
-- were left out with their mark; and for each mark that stands elsewhere: name, where it had to stand, where it stands.
--
-- Marks are fields of the head: they are lost, restored and moved with the log. A mark that is not where the appender
-- took it to be was moved by another process, or the log was restored: its events are left out, who sent them looks again.
--
-- A batch is applied once, however often it is sent: its number is remembered in the same step. Batches are
-- applied in order: one that runs ahead of a refused one is refused too.

local APPENDER_MS = '86400000' -- longer than anybody waits with a batch in hand
local batch, confirmed, loss = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local prefix_size, marks = tonumber(ARGV[7]), tonumber(ARGV[9])
-- What the appender has a reply for was applied, also where a restored log knows nothing of it.
local applied = math.max(tonumber(redis.call('GET', KEYS[2])) or 0, confirmed)
if batch <= applied then
    return {head_id(), {}, '', 0} -- what could not be stored was said in the reply that got lost
end
if batch > applied + 1 then
    return redis.error_reply('BATCH out of order')
end
-- The first write: where memory is short it is refused here, before anything was changed.
redis.call('SET', KEYS[2], ARGV[4], 'PX', APPENDER_MS)
set_span(tonumber(ARGV[8]))

local before = head_id()
local newest = {}  -- stream -> what a cursor must have seen to miss nothing before its next event
local added = {}   -- stream -> id of its newest entry
local touched = {} -- streams, in order of their first event
local keeps = {}   -- stream -> ms
local ends = {}    -- stream -> when it ends, as its newest entry before this batch set it
local parts = {''} -- of the feed's message; the first is its head line
local failed, why = {}, ''

local function tell(id, floor, key, delay, slow, body)
    local name = string.sub(key, prefix_size + 1)
    parts[#parts + 1] = id .. ' ' .. floor .. ' ' .. text_of(#name) .. ' ' .. text_of(#body) .. ' ' .. delay .. ' ' ..
        slow .. '\n' .. name
    parts[#parts + 1] = body
end

-- When a stream ends whose newest event is of that time. One end for all events of a while, so that few of them have to
-- move it; a stream lives that much longer, and no event shorter than its keep. Part of the format: who reads 's<keep>'
-- takes it that the end was set like this.
local function end_after(event_ms, keep)
    local while_ms = math.floor(keep / 16) + 1
    return (math.floor(event_ms / while_ms) + 1) * while_ms + keep
end

-- The id of a channel's newest event and the keep that its stream's end was set by; nil where there is none. Or nil, nil and
-- an error.
local function newest_event(key)
    local id, kept = newest_of(key, prefix_size)
    if id then
        return id, redis.pcall('XLEN', key) ~= 0 and kept or nil -- a stream that others took away has no end either
    end
    local last = redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', '1')
    if last.err then
        return nil, nil, last.err
    end
    if last[1] then
        return last[1][1], string.match(last[1][2][7] or '', '^s(%d+)$')
    end
end

-- What a cursor must have seen to miss nothing before the channel's next event; or nil and an error.
local function floor_id(key, keep)
    local id, kept, problem = newest_event(key)
    if problem then
        return nil, problem
    end
    if not id then
        return floor_of(key, vouched_id())
    end
    local id_ms = tonumber(string.match(id, '^%d+'))
    if not keeps[key] and kept == keep then -- else it is of this batch, and the end is not set yet
        ends[key] = end_after(id_ms, tonumber(keep))
    end
    return floor_of(key, birth_ms < id_ms and id or later_of(id, birth_id()))
end

-- The event is lost: an event without a body tells the feed; the head keeps it for who reads.
local function lose(key)
    step()
    newest[key] = head_id()
    if redis.call('HSET', KEYS[1], 'lost:' .. key, head_id()) == 1 then
        losses = losses + 1
    end
    tell(head_id(), '0-0', key, '0', '0', '')
end

-- Returns an error, or nil.
local function add(key, events, keep, received, slow, body)
    local floor, problem = newest[key], nil
    if not floor then
        floor, problem = floor_id(key, keep)
        if problem then
            return problem
        end
    end
    step()
    local id = head_id()
    local delay = received == '0' and '0' or text_of(ms - received)
    local told = redis.pcall('XADD', key, 'MAXLEN', '=', events, id, 'f', floor, 'b', body, 'd', delay,
        's' .. keep, slow)
    if type(told) == 'table' and told.err then
        return told.err
    end
    newest[key], added[key] = id, id
    if losses > 0 and redis.call('HDEL', KEYS[1], 'lost:' .. key) == 1 then
        losses = losses - 1 -- it is the event's floor now
    end
    tell(id, floor, key, delay, slow, body)
    return nil
end

local stands = {}   -- mark -> where it stands, as of this batch
local moved = {}    -- field of the head -> where the mark goes
local refused = {}  -- of the reply
local left_out = {} -- indexes of events
local left_count = 0

local function judge(at)
    local name, expected = ARGV[at + 1], ARGV[at + 2]
    local first, count = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
    local stand = stands[name] or redis.call('HGET', KEYS[1], 'mark:' .. name) or ''
    if stand == expected then
        stands[name] = ARGV[at + 3]
        moved['mark:' .. name] = ARGV[at + 3]
        return
    end
    stands[name] = stand
    for _, value in ipairs({name, expected, stand}) do
        refused[#refused + 1] = value
    end
    left_count = left_count + count
    for i = first, first + count - 1 do
        left_out[i] = true
    end
end

for m = 1, marks do
    judge(9 + 5 * (m - 1))
end

for i = 1, #KEYS - 2 do
    local key, at = KEYS[2 + i], 9 + 5 * marks + 5 * (i - 1)
    if i == loss then
        be_born()
        newest = {} -- what stands before the loss vouches for nothing behind it
    end
    local problem = not left_out[i]
        and add(key, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
    if problem then
        -- A key of another type or an id from elsewhere is this one stream's trouble, and lasts. Anything else (a
        -- permission) is everybody's: nothing was written yet, so the whole batch waits.
        local is_own = string.find(problem, 'WRONGTYPE', 1, true) or string.find(problem, 'The ID', 1, true)
        if not is_own and #touched == 0 and #failed == 0 then
            redis.call('SET', KEYS[2], applied, 'PX', APPENDER_MS)
            return redis.error_reply(problem)
        end
        failed[#failed + 1], why = i, problem
        lose(key)
    elseif not left_out[i] then
        if not keeps[key] then
            touched[#touched + 1] = key
        end
        keeps[key] = tonumber(ARGV[at + 2])
    end
end
if loss > #KEYS - 2 then
    be_born()
end
save()
for field, position in pairs(moved) do
    redis.call('HSET', KEYS[1], field, position)
end

-- The newest id, the age bound, and the end of idle channels, where it moves. By the id's clock, not by the server's, so that a clock
-- that stepped back takes nothing away early.
local span_left = text_of(span + math.max(ms - now, 0))
for _, key in ipairs(touched) do
    local keep = keeps[key]
    redis.pcall('SET', newest_key(key, prefix_size), added[key] .. ' ' .. text_of(keep), 'PX', span_left)
    local ends_ms = end_after(ms, keep)
    if ends[key] ~= ends_ms then
        redis.pcall('XTRIM', key, 'MINID', '=', text_of(math.max(ms - keep, 0)))
        redis.pcall('PEXPIREAT', key, text_of(ends_ms))
    end
end

if #parts > 1 or loss > 0 then
    parts[1] = '1 ' .. before .. ' ' .. birth_id() .. ' ' .. head_id() .. '\n'
    local told = redis.pcall('PUBLISH', ARGV[3], table.concat(parts))
    if type(told) == 'table' and told.err then
        why = told.err
    end
end
local reply = {head_id(), failed, why, left_count}
for _, value in ipairs(refused) do
    reply[#reply + 1] = value
end
return reply
