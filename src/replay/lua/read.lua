-- A page of one channel, as of one moment.
--
-- KEYS[2]  the stream
-- ARGV[3]  the cursor: entries after it, oldest first
-- ARGV[4]  > 0: from the newest so many entries on instead
-- ARGV[5]  at most so many entries, ARGV[6] at most so many bytes, but one entry always
-- ARGV[7]  how many bytes of the stream's key stand before the channel
--
-- Returns the head, what the log vouches for (a cursor before it has a gap), 1 where no entry was left
-- out, and the entries as XRANGE has them. A page does not reach across a loss, be it the log's (its birth) or the
-- channel's, so that the gap stands where the loss was: behind what is older than it.

local stream, cursor, prefix_size = KEYS[2], ARGV[3], tonumber(ARGV[7])
local newest, limit, limit_bytes = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local ENTRY_BYTES = 32 -- of the id line, about
local NEWEST_BYTES = 16777216 -- chosen: about 10 ms
local FIRST_COUNT = 16 -- bodies may be large: look at a few before asking for many

-- Asks for one entry more than may come, to know whether there is one.
local function collect(from, to)
    local entries, bytes, count = {}, 0, FIRST_COUNT
    while true do
        count = math.min(count, limit + 1 - #entries)
        local part = redis.call('XRANGE', stream, from, to, 'COUNT', count)
        for _, entry in ipairs(part) do
            bytes = bytes + ENTRY_BYTES + #(entry[2][4] or '')
            if #entries == limit or (#entries > 0 and bytes > limit_bytes) then
                return entries, 0
            end
            entries[#entries + 1] = entry
        end
        if #part < count then
            return entries, 1
        end
        from = '(' .. entries[#entries][1]
        count = math.max(1, math.floor((limit_bytes - bytes) * #entries / bytes) + 1)
    end
end

-- The id of the newest entries' first one; of fewer where they are so large that Redis would be busy with nothing else.
local function begin_of_newest(count)
    local id, to, bytes, seen = '-', '+', 0, 0
    local step = FIRST_COUNT
    while seen < count and bytes < NEWEST_BYTES do
        local part = redis.call('XREVRANGE', stream, to, '-', 'COUNT', math.min(step, count - seen))
        if #part == 0 then
            return id
        end
        for _, entry in ipairs(part) do
            bytes = bytes + ENTRY_BYTES + #(entry[2][4] or '')
        end
        id, seen = part[#part][1], seen + #part
        to, step = '(' .. id, math.max(1, math.floor(limit_bytes * seen / bytes))
    end
    return id
end

local refused = replica_error()
if refused then
    return refused
end

local vouched = floor_of(stream, birth_id())
local length = redis.pcall('XLEN', stream)
if type(length) == 'table' then
    if not string.find(length.err, 'WRONGTYPE', 1, true) then
        return length
    end
    length = 0 -- somebody else's: there are no events of ours
end
if length == 0 then
    return {head_id(), later_of(vouched, newest_of(stream, prefix_size) or vouched_id()), 1, {}}
end

-- The end of the stream, where the channel's newest event was taken away, is no end: the next page says what is missing.
local function last_page(entries, is_end)
    local last = is_end == 1 and newest_of(stream, prefix_size)
    if not last then
        return {head_id(), vouched, is_end, entries}
    end
    if #entries == 0 then
        return {head_id(), later_of(vouched, last), 1, {}}
    end
    local id = entries[#entries][1]
    return {head_id(), vouched, later_of(id, last) == id and 1 or 0, entries}
end

if newest > 0 then
    return last_page(collect(begin_of_newest(newest), '+'))
end
if later_of(vouched, cursor) ~= cursor then
    local older = collect('(' .. cursor, '(' .. vouched)
    if #older > 0 then
        return {head_id(), '0-0', 0, older} -- their own floors tell what is missing before them
    end
end
return last_page(collect('(' .. cursor, '+'))
