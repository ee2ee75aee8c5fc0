-- learn(), a session of it: names of the session's own, going from step to step, what is refused,
-- and going on another day.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec, notes = require "spec", require "notes"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local learn, nn, data = nabla.learn, nabla.nn, nabla.data
local said, contains, answered, begin = notes.said, notes.contains, notes.answered, notes.begin
local in_hand, ANSWERS <const> = notes.in_hand, notes.ANSWERS

-- ---- Names ----

test("names that the session has stay its own, and others are shown", function()
    begin()
    t, x, net, answer, nn_before = 5, "mine", {1}, 7, nn
    local nn_own = nn
    nn = {}
    local page = said(learn, "BP2")
    contains(page, "learn.t = learn.net:trace(learn.x, y)")
    contains(page, "learn.answer(…)")
    eq({t, x, net, answer}, {5, "mine", {1}, 7})
    d = 8
    contains(said(learn, "fast"), "learn.net:count()")
    said(learn, "BP2")
    eq(d, 8)
    local right = ANSWERS.BP2(in_hand {"sigmoid", "sigmoid"})
    contains(said(learn.answer, right), "Right.")
    nn, nn_before = nn_own, nil
end)

test("what comes behind a right answer is shown, and a ; is quiet", function()
    begin()
    local page = said(learn, "algorithm")
    local p = in_hand {"sigmoid", "sigmoid"}
    local reply = answered(ANSWERS.algorithm(p, page))
    assert(reply:find "other:step%(some, {lr = 0.5}%);\n%S+ other%[1%]")
    local change, before, after = reply:match "\n(%S+)\n%S+ net:cost[^\n]*\n(%S+)%s+(%S+)\n"
    near(tonumber(change), (ANSWERS.algorithm(p, page)), 1e-4)
    near(tonumber(before), (p.passes[1].cost + p.passes[2].cost + p.passes[3].cost) / 3)
    assert(tonumber(after) < tonumber(before))
end)

test("a name that the user gives another value is the user's from then on", function()
    begin()
    said(learn, "BP2")
    eq(rawequal(t, learn.t), true)
    t = 3
    contains(said(learn, "BP3"), "learn.t = net:trace(x, y)")
    eq(t, 3)
end)

test("in a Lua that has only the module nothing becomes a global", function()
    begin()
    local kept = _G.learn
    _G.learn = nil
    local page = said(learn, "BP2")
    _G.learn = kept
    contains(page, "nabla.learn.t = nabla.learn.net:trace(nabla.learn.x, nabla.learn.y)")
    contains(page, 'nabla.learn.answer(…) · nabla.learn.hint() · nabla.learn.next() · ' ..
        'nabla.help "BP2"')
    eq(t, nil)
    eq(net, nil)
end)

-- ---- Going through ----

test("learn() goes on where an answer was right, and only there", function()
    begin()
    contains(said(learn), "fourteen steps")
    contains(said(learn), "1 of 14")
    contains(said(learn), "1 of 14")
    contains(answered(99), "That is not it")
    contains(said(learn), "1 of 14")
    contains(answered(ANSWERS.matrix(in_hand {"sigmoid", "sigmoid"}, said(learn))),
        "learn() goes on: 2 of 14")
    contains(said(learn), "2 of 14")
    contains(said(learn.next), "3 of 14")
    contains(said(learn.back), "2 of 14")
    contains(said(learn, 14), "14 of 14")
    contains(said(learn.next), "1 of 14 are answered")
    contains(said(learn, "bp4"), "7 of 14 · BP4")
    contains(said(learn, "hadamard"), "3 of 14")
    contains(said(learn, 1), "1 of 14, answered")
    contains(said(learn.back), "1 of 14")
    contains(said(learn.list), "9 neuron")
end)

test("what was shown is not answered, until the step is shown anew", function()
    begin()
    said(learn, "cost")
    contains(said(learn.hint), "What do the three cost together?")
    contains(said(learn.hint), "learn.solve() shows a way")
    local text = said(learn.solve)
    local right = ANSWERS.cost(in_hand {"sigmoid", "sigmoid"})
    near(tonumber(text:match "\n(%S+)\n"), right)
    contains(text, "learn() goes on: 3 of 14")
    answered(right)
    said(learn, 14)
    contains(said(learn.next), "0 of 14 are answered")
    said(learn, "cost")
    answered(right)
    said(learn, 14)
    contains(said(learn.next), "1 of 14 are answered")
end)

test("without a value the last result is the answer", function()
    begin()
    said(learn, "cost")
    _ENV._ = ANSWERS.cost(in_hand {"sigmoid", "sigmoid"})
    contains(said(learn.answer), "Right.")
    _ENV._ = nil
    fails(function() said(learn.answer) end, "answer takes what you found: answer(x)", true)
end)

test("answers of other kinds", function()
    begin()
    said(learn, "cost")
    contains(answered(nil), "That is nil")
    contains(answered "net[1].w", "without quotes")
    contains(answered(print), "not a function")
    contains(answered {}, "")
    contains(answered {"a"}, "not a table")
    contains(answered(true), "not true")
    contains(answered(net), "not a network")
    contains(answered(1 / 0), "That is not it")
    said(learn, "why")
    contains(answered(3), "A word is asked for")
    contains(answered "tired", "none of those words")
    fails(function() said(learn.answer, 1, 2) end, "answer takes one value", true)
end)

test("what is refused", function()
    fails(function() learn(0) end, "learn: the steps are 1 to 14, not 0", true)
    fails(function() learn(15) end, "the steps are 1 to 14, not 15", true)
    fails(function() learn(1.5) end, "the steps are 1 to 14, not 1.5", true)
    fails(function() learn "BP5" end, "learn has no step 'BP5'; they are matrix, cost, product",
        true)
    fails(function() learn(1, 2) end, "learn takes one argument", true)
    fails(function() learn(true) end, "not true", true)
    fails(function() learn {nett = 1} end, "learn has no option 'nett'; it has net, set", true)
    fails(function() learn {net = 3} end, "net must be a network, not 3", true)
    fails(function() learn {net = "small", set = data.xor()} end, "examples of its own", true)
    fails(function() learn {net = nn.net "3 - 2 - 1", set = data.xor()} end,
        "learn: net:cost: x is 3x2; the network takes examples of 3", true)
    fails(function() learn.hint(1) end, "learn.hint takes no argument", true)
    fails(function() return learn.hnt end, "learn has no field 'hnt'; did you mean 'hint'?", true)
    local message = fails(function() learn(99) end, "learn_session_spec.lua:")
    assert(message:find "^[^\n]*learn_session_spec.lua:%d+: learn: the steps")
end)

local function set_of(count, value)
    local x = tensor.rand(count, 4, {seed = 1})
    if value then x[1][1] = value end
    return data.set {x = x, y = tensor.rand(count, 2, {seed = 2})}
end

test("why a set or a network is refused", function()
    begin()
    local own = nn.net("4 - 3 tanh - 2", {seed = 1})
    local function refuses(words, net, set)
        local message = fails(function() learn {net = net, set = set} end, words, true)
        eq(message:find("ground.lua", 1, true), nil)
    end
    refuses("learn: the set has 2 examples, and the steps take the first 3", own, set_of(2))
    refuses("learn: the set has 1 example, and", own, set_of(1))
    refuses("x of example 1, column 1 is nan", own, set_of(3, 0 / 0))
    own[1].w[2][3] = 0 / 0
    refuses("layer 1: w[2][3] is nan", own, set_of(3))
    refuses("myboom", nn.net {4, nn.dense {3, activation = function() error "myboom" end}, 2},
        set_of(3))
    contains(said(learn, {net = own}), "has a parameter that is NaN or infinite")
    said(learn.reset)
end)

test("a network that stops without a set says why", function()
    begin()
    net = nn.net {4, nn.dense {3, activation = function() error "myboom" end}, 2}
    contains(said(learn, "matrix"):gsub("%s+", " "), "myboom")
    net = nil
end)

-- Every number that a step would divide by is 0.
test("inputs of 0", function()
    begin()
    local own, y = nn.net("4 - 3 tanh - 2", {seed = 1}), tensor.rand(3, 2, {seed = 1})
    said(learn, {net = own, set = data.set {x = tensor.zeros(3, 4), y = y}})
    contains(said(learn, "quiet"):gsub("%s+", " "), "hears fewer than two inputs that are not 0")
    eq(said(learn.solve):find "nan", nil)
    contains(said(learn, "why"):gsub("%s+", " "), "learns nothing from its first example")
    -- One that is heard is not two.
    local x = tensor.zeros(3, 4)
    x[1][2] = 3
    said(learn, {net = own, set = data.set {x = x, y = y}})
    contains(said(learn, "quiet"):gsub("%s+", " "), "hears fewer than two inputs that are not 0")
    x[1][4] = -1
    said(learn, {net = own, set = data.set {x = x, y = y}})
    said(learn, "quiet")
    -- 3 over -1.
    contains(answered(-3), "Right.")
    -- At z = 1000 a tanh has no slope in f32 at all.
    own = nn.net("4 - 3 relu - 2", {seed = 1})
    own[1].w, own[1].b = tensor.zeros(3, 4), tensor {1000, 1000, 1000}
    said(learn, {net = own})
    contains(said(learn, "neuron"):gsub("%s+", " "), "a neuron whose slope with another f is 0")
    said(learn.reset)
end)

test("a failing command leaves the course where it was", function()
    begin()
    said(learn, "cost")
    local loud, right = print, ANSWERS.cost(in_hand {"sigmoid", "sigmoid"})
    print = function(text)
        if text:find "gradcheck%(" then error "stopped" end
    end
    local fine = pcall(learn, "fast")
    print = loud
    eq(fine, false)
    contains(said(learn), "14 of 14")
    contains(answered(47720), "Right.")
    said(learn, "cost")
    contains(answered(right), "Right.")
end)

-- ---- Another day ----

-- The program started again with a home of its own, running a line of Lua.
local function run(home, code, before)
    local script = os.tmpname()
    local file <close> = assert(io.open(script, "w"))
    file:write(code)
    file:close()
    local command = ("%s XDG_STATE_HOME='%s' '%s' '%s' 2>&1"):format(before or "", home, arg[-1],
        script)
    local pipe <close> = io.popen(command)
    local text = pipe:read "a"
    os.remove(script)
    return text
end

local function with_home(f)
    local home = os.tmpname()
    os.remove(home)
    assert(os.execute(("mkdir '%s'"):format(home)))
    local fine, message = pcall(f, home, home .. "/nabla/learn")
    os.execute(("chmod -R u+w '%s'; rm -rf '%s'"):format(home, home))
    if not fine then error(message, 0) end
end

local function read(path)
    local file <close> = assert(io.open(path))
    return file:read "a"
end

local function write(path, text)
    assert(os.execute(("mkdir -p '%s'"):format(path:match "^(.*)/")))
    local file <close> = assert(io.open(path, "w"))
    file:write(text)
end

test("another session goes on where the last one left", function()
    with_home(function(home, path)
        contains(run(home, "learn(2) answer(0.75 * net:cost(some)) learn.next() learn.solve()"),
            "goes on: 4 of 14")
        eq(read(path), "nabla learn 1\nat product\nright cost\nseen product\n")
        local pipe <close> = io.popen(("stat -c %%a '%s' '%s'"):format(path, path:match "^(.*)/"))
        eq(pipe:read "a", "600\n700\n")
        contains(run(home, "learn()"), "4 of 14 · BP1")
        contains(run(home, "learn.answer(3)"), "The answer is a vector of 2")
        contains(run(home, "learn.list()"), "2 cost")
        contains(run(home, "learn.reset()"), "Forgotten")
        eq(read(path), "nabla learn 1\n")
        contains(run(home, "learn()"), "fourteen steps")
    end)
end)

test("a file of something else is left alone, until it is asked for anew", function()
    with_home(function(home, path)
        for _, text in ipairs {"a letter\nat BP1\n", "\0\1\2",
            "nabla learn 2\nat BP1\n"} do
            write(path, text)
            local said_there = run(home, "learn() learn(2) answer(0.75 * net:cost(some)) learn()")
            contains(said_there, "learn.reset() makes it anew")
            contains(said_there, "3 of 14")
            eq(read(path), text)
        end
        -- One larger than any of ours is not even read.
        write(path, "nabla learn 1\nat BP1\n" .. ("x"):rep(5000))
        contains(run(home, "learn()"), "holds more than 4096 bytes")
        run(home, "learn.reset() learn(4)")
        eq(read(path), "nabla learn 1\nat BP1\n")
        -- Names that are none any more are passed over.
        write(path, "nabla learn 1\nat nowhere\nright nothing\nright BP1\nwrong BP2\n")
        local listed = run(home, "learn.list() learn.next()")
        assert(listed:find "%S  4  BP1" and not listed:find "%S  5  BP2")
        contains(listed, "1 of 14")
    end)
end)

test("without a place for the file it is said once and goes all the same", function()
    with_home(function(home, path)
        local there = "learn(2) answer(0.75 * net:cost(some)) learn()"
        local function said_once(text)
            contains(text, "for this session only")
            contains(text, "3 of 14")
            local _, count = text:gsub("session%s+only", "")
            eq(count, 1)
        end
        -- A file where the folder should be.
        write(home .. "/file", "")
        said_once(run(home .. "/file", there))
        said_once(run("", there, "HOME="))
        -- Nobody writes into a pipe, and reading it would wait for ever.
        assert(os.execute(("mkdir '%s/nabla' && mkfifo '%s'"):format(home, path)))
        contains(run(home, there), "3 of 14")
        os.remove(path)
        assert(os.execute(("mkdir '%s'"):format(path)))
        contains(run(home, there), "3 of 14")
    end)
end)

spec.report()
