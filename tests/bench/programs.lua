-- Other programs as the benchmark runs them: once for what they print, or as children that wait
-- for lines on standard input and answer each with one.

local programs = {}

function programs.quote(text)
    return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

function programs.command_line(...)
    local words = {}
    for i, word in ipairs {...} do words[i] = programs.quote(word) end
    return table.concat(words, " ")
end

function programs.environment(threads)
    local words = {"env", "OPENBLAS_NUM_THREADS=" .. threads, "OMP_NUM_THREADS=" .. threads}
    if threads > 1 then words[#words + 1] = "OMP_WAIT_POLICY=passive" end
    return table.concat(words, " ")
end

-- The lines that a command prints, or nil where it fails.
function programs.lines_of(...)
    local pipe = assert(io.popen(programs.environment(1) .. " " .. programs.command_line(...)))
    local lines = {}
    for line in pipe:lines() do lines[#lines + 1] = line end
    return pipe:close() and lines or nil
end

function programs.numbers(line)
    local out = {}
    for word in line:gmatch "%S+" do out[#out + 1] = tonumber(word) end
    return out
end

-- Memory that is not given back between two steps: PyTorch is faster by it, up to 1.7 times. Not
-- for runs from a program's start to its end, which it makes slower.
local KEPT <const> = " MALLOC_MMAP_THRESHOLD_=1000000000 MALLOC_TRIM_THRESHOLD_=2000000000 " ..
    "MALLOC_TOP_PAD_=100000000"

-- Starts child.command on child.threads (1) threads and waits until it says "ready"; false where
-- it fails. Each pipe is a file in `scratch`, because Lua's own go one way only.
function programs.start(child, scratch, number)
    child.paths = {scratch .. "/to" .. number, scratch .. "/from" .. number}
    local to, from = table.unpack(child.paths)
    assert(os.execute(programs.command_line("mkfifo", to, from)))
    os.execute(("%s %s <%s >%s &"):format(programs.environment(child.threads or 1) .. KEPT,
        programs.command_line(table.unpack(child.command)), programs.quote(to),
        programs.quote(from)))
    child.to, child.from = assert(io.open(to, "w")), assert(io.open(from))
    child.to:setvbuf "full"
    local ready = child.from:read() == "ready"
    if not ready then io.stderr:write("bench: ", child.name, " does not run\n") end
    return ready
end

-- Sends lines and gives the number that is the answer.
function programs.tell(child, ...)
    child.to:write(table.concat({...}, "\n"), "\n")
    child.to:flush()
    return tonumber(child.from:read() or nil)
end

-- The end of a child that was started, or did not start.
function programs.stop(child)
    child.to:close()
    child.from:close()
    os.execute(programs.command_line("rm", table.unpack(child.paths)))
end

return programs
