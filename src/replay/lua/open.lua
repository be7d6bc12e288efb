-- The common beginning of the scripts: opens the log.
--
-- KEYS[1]  the head: last id (ms, seq), birth (birth_ms, birth_seq), marks (mark:<name>), the newest loss of channels whose
--          streams took no event since (lost:<stream>, losses: how many), and for how many ms a channel's newest id is
--          remembered (span; where it grew: when, span_ms, and what held before, keep_ms, which older versions write too)
-- ARGV[1]  ms, ARGV[2] seq of the highest id that the caller has seen of this log
--
-- Whoever has seen an id that the head does not know looks at a log that was lost, or restored to an older state: it is
-- born again, after everything that was seen. Ids go on rising; no cursor older than the birth is vouched for.
-- The sequence has 20 bits in runnel, so an id is kept as two numbers: a Lua number holds 53 bits.

if redis.replicate_commands then
    redis.replicate_commands() -- before Redis 7: the clock is read, so replicate the effects
end

local SEQ_END = 1048576
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local seen_ms, seen_seq = tonumber(ARGV[1]), tonumber(ARGV[2])
local fields = redis.call('HMGET', KEYS[1], 'ms', 'seq', 'birth_ms', 'birth_seq', 'losses', 'keep_ms', 'span', 'span_ms')
local ms, seq = tonumber(fields[1]), tonumber(fields[2])
local birth_ms, birth_seq = tonumber(fields[3]), tonumber(fields[4])
local losses = tonumber(fields[5]) or 0
local keep_ms, span, span_ms = tonumber(fields[6]), tonumber(fields[7]), tonumber(fields[8])
local is_born = false -- by this script

local function is_later(a_ms, a_seq, b_ms, b_seq)
    return a_ms > b_ms or (a_ms == b_ms and a_seq > b_seq)
end

-- Lua by itself writes a number as a fraction that happens to be whole, which takes it several times as long.
local texts = {}
local function text_of(number)
    local text = texts[number]
    if not text then
        text = string.format('%d', number)
        texts[number] = text
    end
    return text
end

local function id_of(id_ms, id_seq)
    return text_of(id_ms) .. '-' .. text_of(id_seq)
end

-- Moves the head to the next id.
local function step()
    if now > ms then
        ms, seq = now, 0
    elseif seq + 1 < SEQ_END then
        seq = seq + 1
    else
        ms, seq = ms + 1, 0
    end
end

local function be_born()
    step()
    birth_ms, birth_seq, is_born = ms, seq, true
end

local function head_id()
    return id_of(ms, seq)
end

local function birth_id()
    return id_of(birth_ms, birth_seq)
end

-- What most batches change, and what few do.
local function save()
    redis.call('HSET', KEYS[1], 'ms', text_of(ms), 'seq', text_of(seq))
    if is_born then
        redis.call('HSET', KEYS[1], 'birth_ms', text_of(birth_ms), 'birth_seq', text_of(birth_seq))
    end
    if losses ~= (tonumber(fields[5]) or 0) then
        redis.call('HSET', KEYS[1], 'losses', text_of(losses))
    end
end

-- Since when a channel that has left no trace had no event.
local function quiet_ms()
    local clock = math.max(now, ms) -- one that stepped back vouches for no more
    local since = clock - (span or keep_ms or 0)
    return span_ms and math.max(since, math.min(span_ms, clock - keep_ms)) or since
end

-- Newest ids are remembered for so long from now on. What was written before ends as it was meant to.
local function set_span(wanted)
    if wanted == span then
        return
    end
    if wanted > (span or keep_ms or wanted) then
        local clock = math.max(now, ms)
        keep_ms, span_ms = clock - quiet_ms(), clock
        redis.call('HSET', KEYS[1], 'keep_ms', text_of(keep_ms), 'span_ms', text_of(span_ms))
    end
    span = wanted
    redis.call('HSET', KEYS[1], 'span', text_of(span))
end

-- What such a channel's cursor must have seen to miss nothing.
local function vouched_id()
    local v_ms, v_seq = quiet_ms(), 0
    if is_later(birth_ms, birth_seq, v_ms, v_seq) then
        v_ms, v_seq = birth_ms, birth_seq
    end
    if is_later(v_ms, v_seq, ms, seq) then
        v_ms, v_seq = ms, seq
    end
    return id_of(v_ms, v_seq)
end

-- Of two ids.
local function later_of(a, b)
    local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
    local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
    return is_later(tonumber(a_ms), tonumber(a_seq), tonumber(b_ms), tonumber(b_seq)) and a or b
end

-- The key that remembers the channel's newest event, longer than its stream has it, and also where others take the stream
-- away: {<prefix>}:n:<channel> beside {<prefix>}:c:<channel>. Its value: id, and the keep that the stream's end was set by.
local function newest_key(stream, prefix_size)
    return string.sub(stream, 1, prefix_size - 2) .. 'n:' .. string.sub(stream, prefix_size + 1)
end

-- Both of them as texts; nil where there is none, or one of another log.
local function newest_of(stream, prefix_size)
    local text = redis.pcall('GET', newest_key(stream, prefix_size))
    if type(text) ~= 'string' then
        return nil
    end
    local n_ms, n_seq, keep = string.match(text, '^(%d+)-(%d+) (%d+)$')
    if not n_ms or is_later(tonumber(n_ms), tonumber(n_seq), ms, seq) then
        return nil
    end
    return n_ms .. '-' .. n_seq, keep
end

-- The later of this id and the channel's loss: a cursor before it has missed something.
local function floor_of(stream, id)
    local lost = losses > 0 and redis.call('HGET', KEYS[1], 'lost:' .. stream)
    return lost and later_of(lost, id) or id
end

-- For scripts that only look: an error where this is a replica, by a write that changes nothing. A master that became one
-- keeps our connection, but it may be behind, and what it says about a cursor may be wrong. Other refusals do not matter
-- here. Not for scripts that write: Redis lets them write on where memory is short, once they have begun.
local function replica_error()
    local told = redis.pcall('PERSIST', KEYS[1])
    if type(told) == 'table' and told.err and string.find(told.err, 'READONLY', 1, true) then
        return redis.error_reply('READONLY the log is a replica, which may be behind')
    end
    return nil
end

if not (ms and seq and birth_ms and birth_seq) or is_later(seen_ms, seen_seq, ms, seq) then
    ms, seq = seen_ms, seen_seq
    be_born()
    save()
end
