-- One program of the storm: its network and data, its chance, what it holds and what it says. What
-- it does is in changes.lua, looks.lua and learning.lua; networks.lua draws where it begins.
--
-- All that it draws is a function of the program's number and the operation's: one that is left out
-- leaves the draws of the others alone.

local nabla = require "nabla"
local networks = require "networks"
local printed = require "printed"
local rests = require "rests"
local nn, tensor = nabla.nn, nabla.tensor

local HELD_MOST <const> = 12

local Program = {}
Program.__index = Program

-- write(text): where its lines go; resumes: its runs are left in the middle and gone on with.
local function new(number, write, resumes)
    local p = setmetatable({number = number, write = write, resumes = resumes}, Program)
    p:draws_for(0)
    nabla.seed(number)
    nabla.threads(1)
    nabla.anomaly(true)
    p:begin()
    return p
end

-- ---- Chance ----

-- From here on what operation `at` draws.
function Program:draws_for(at)
    local state = self.number * 0x9E3779B97F4A7C15 + at * 0xC2B2AE3D27D4EB4F
    state = (state ~ (state >> 31)) * 0xBF58476D1CE4E5B9
    self.state = state ~ (state >> 29)
end

-- A whole number from 1 to n.
function Program:random(n)
    self.state = self.state * 6364136223846793005 + 1442695040888963407
    return (self.state >> 33) % n + 1
end

function Program:chance(share)
    return self:random(1000) <= share * 1000
end

function Program:pick(list)
    return list[self:random(#list)]
end

-- One of a list by the shares that its entries have.
function Program:by_share(list)
    local all = 0
    for _, one in ipairs(list) do all = all + one.share end
    local at = self:random(all)
    for _, one in ipairs(list) do
        at = at - one.share
        if at <= 0 then return one end
    end
end

-- A random tensor of that shape; of the network's dtype without one.
function Program:tensor(shape, dtype)
    local sizes = {table.unpack(shape)}
    sizes[#sizes + 1] = {dtype = dtype or self.dtype, seed = self:random(1 << 30)}
    return tensor.randn(table.unpack(sizes)) * 0.5
end

-- ---- Network and data ----

-- Another network, of its own data; the first, and where one cannot learn any more.
function Program:begin()
    self.held, self.given, self.waiting = {}, 0, {}
    self.inner, self.copy, self.asked, self.failures = nil, nil, nil, 0
    self.dtype = self:chance(0.3) and "f64" or "f32"
    self.rows = self:pick {1, 2, 7, 7, 7, 8, 13}
    self.data_seed = self:random(1 << 20)
    networks.draw(self)
    self.optimizer = networks.optimizer(self)
    self:fit_data()
end

local function drawn_inputs(p)
    local sizes = {p.rows, table.unpack(p.shape)}
    sizes[#sizes + 1] = {seed = p.data_seed, dtype = not p.words and p.dtype or nil}
    if p.words then return tensor.randint(1, p.words, table.unpack(sizes)) end
    local x = tensor.randn(table.unpack(sizes))
    if not p.sparse then return x end
    return x * tensor.rand(table.unpack(sizes)):lt(p.sparse):to(p.dtype)
end

-- x and y of as many rows, of sizes and a dtype as the network takes now; y are probabilities, which
-- go with any cost. Where it takes nothing any more, its steps say why.
function Program:fit_data()
    local x = drawn_inputs(self)
    if self.turned and #self.shape == 1 then x = x:t():contiguous():t() end
    local ok, a = pcall(self.net, x)
    local sizes = ok and a.shape or {self.rows, 3}
    sizes[#sizes + 1] = {dtype = self.dtype, seed = self.data_seed + 1}
    local y, last = tensor.rand(table.unpack(sizes)), #sizes - 1
    self.x, self.y = x, y / y:sum(last):unsqueeze(last)
end

-- After a change of what the network takes, gives or learns. Some keep the optimizer, which may be
-- refused then.
function Program:refit()
    self:fit_data()
    if self:chance(0.9) then self.optimizer = networks.optimizer(self) end
end

local function add_dense(list, block)
    for i = 1, #block do
        local layer = block[i]
        local w = networks.field(layer, "w")
        if w and #w.shape == 2 then
            list[#list + 1] = layer
        elseif not w and pcall(function() return #layer end) then
            add_dense(list, layer)
        end
    end
    return list
end

-- Any layer with a matrix w, however deep; of a network without one, the first layer.
function Program:dense()
    local list = add_dense({}, self.net)
    return #list > 0 and self:pick(list) or self.net[1]
end

-- All learns again, at the same rate.
function Program:loosen()
    self.net:thaw()
    self.net.factor = 1
    for _, layer in ipairs(add_dense({}, self.net)) do layer.mask = nil end
end

function Program:neuron()
    local layer = self:dense()
    return layer:neuron(self:random(layer.w:size(1))), layer
end

function Program:index()
    return self:random(#self.net)
end

-- Inputs that are not those of the last step.
function Program:other_x()
    return self.words and self.x or self.x * (self:random(7) / 4)
end

-- f(path) with the path of a file that is gone afterwards.
function Program:with_file(f)
    local path = os.tmpname()
    local results = table.pack(pcall(f, path))
    os.remove(path)
    if not results[1] then error(results[2], 0) end
    return table.unpack(results, 2, results.n)
end

-- ---- Saying and holding ----

function Program:say(...)
    local words = table.pack(...)
    for i = 1, words.n do
        local v = words[i]
        words[i] = math.type(v) == "integer" and ("%x"):format(v) or printed.clean(v)
    end
    self.write(table.concat(words, " "))
end

-- What was given out stays as it is, whatever is computed later. Nothing is drawn here: functions
-- of the network hold things too, and how often they are called hangs on how fast the machine is,
-- for a run that goes back makes some steps again.
function Program:hold(what, t)
    if type(t) ~= "userdata" then return end
    self.given = self.given % HELD_MOST + 1
    self.held[self.given] = {what = what, t = t, hash = printed.hash(t)}
end

-- Says a result and holds it.
function Program:give(what, t)
    self:say(what, printed.hash(t))
    self:hold(what, t)
end

-- This is wrong in one run alone, with nothing to compare it with.
function Program:check_held()
    for _, one in ipairs(self.held) do
        local now = printed.hash(one.t)
        if now ~= one.hash then self:say("WRONG: what was held changed:", one.what) end
        one.hash = now
    end
end

-- What is gone on with after other operations: backward passes, traces. Before most changes that
-- they would stand in the way of, and at the end, all that still waits is done.
function Program:later(f)
    table.insert(self.waiting, f)
end

function Program:do_waiting()
    for _, f in ipairs(self.waiting) do f() end
    self.waiting = {}
end

-- Goes back through what was recorded from x, or from nothing that wants a gradient.
function Program:spend(a, x)
    local ok, message = pcall(function() a:sum():backward() end)
    self:say("backward", ok, not ok and message)
    if ok and x then self:give("gradient of x", x.grad) end
    self:say_gradients()
end

function Program:say_gradients()
    local ok, g = pcall(self.net.grads, self.net)
    self:say("gradients", ok and printed.hash(g) or g)
end

-- ---- Steps ----

-- f(), which learns, and moves nothing that rests as things stand; what f gives.
function Program:learn(f)
    local list = rests.of(self.net, add_dense({}, self.net))
    local results = table.pack(f())
    local moved = rests.moved(list)
    if moved then self:say("WRONG: what rests moved:", moved) end
    return table.unpack(results, 1, results.n)
end

-- What every operation is judged by: a step, and all numbers of the network behind it. True: it
-- learned.
function Program:step()
    local ok, cost = self:learn(function()
        return pcall(self.net.step, self.net, self.x, self.y, self.optimizer)
    end)
    self:say("step", ok and printed.hash(cost) or cost)
    self:say("params", printed.hash(self.net:params()))
    self:say_gradients()
    if self.asked then self:say("asked inside", self.asked) end
    self.asked = nil
    self:check_held()
    self.failures = ok and 0 or self.failures + 1
    return ok
end

-- Frees the program of what lets steps be refused, for the rest would be refused too: after two of
-- NaN and an optimizer of another network, after three of the network.
function Program:go_on()
    if self.failures == 2 then
        self:say "drawn anew"
        self.net:reset(self:random(99))
        self.optimizer = networks.optimizer(self)
        self:fit_data()
    elseif self.failures > 2 then
        self:say "another network"
        self:begin()
    end
end

return {new = new}
