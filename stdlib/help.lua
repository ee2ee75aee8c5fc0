-- help(x): reads the book of help to the user. The book is a list of entries
-- {name, kind, usage, text, options, example, value} that the C side fills from its descriptors;
-- files of stdlib/ add theirs with doc. This file adds the pages that belong to no function.
--
-- book.foreign(i) gives the words of other tools one by one: the word, what it is here, the name of
-- the page that says more.
--
-- In an example "→" begins a comment: what the line gives.

local _, book = ...

-- Of its own, because at a prompt a global soon has another value.
local concat, move, sort = table.concat, table.move, table.sort
local pack, unpack = table.pack, table.unpack
local length, offset = utf8.len, utf8.offset
local max, min = math.max, math.min
local error, getmetatable, ipairs, load, pairs, rawequal, rawget, select, type =
    error, getmetatable, ipairs, load, pairs, rawequal, rawget, select, type
local _G, standard_print = _G, print

local M = {}

-- Adds an entry; value is what help(value) finds it by.
function M.doc(value, entry)
    entry.value = value
    book[#book + 1] = entry
    return value
end

-- ---- Finding ----

-- The name behind the last "." or ":", by which people ask.
local function short(name)
    return name:match("[^.:]+$") or name
end

-- All entries with this name, whole or short, in the order of the book; a method is also found with
-- a dot.
function M.find(name)
    local whole, part = {}, {}
    name = name:gsub("^x:", "tensor:"):gsub("%(%)$", ""):gsub("^net%[%w+%]", "net[l]")
    name = name:gsub("^t%[%w+%]([.:])", "trace%1"):gsub("^nn%.[%w_]+%.df$", "activation.df")
    local method, under_nn = name:gsub("%.([%w_]+)$", ":%1"), name:match("^nn%.([%w_]+)$")
    for _, entry in ipairs(book) do
        local activation = entry.name == under_nn and entry.kind == "activation"
        if entry.name == name or entry.name == method or activation then
            whole[#whole + 1] = entry
        elseif short(entry.name) == name then part[#part + 1] = entry end
    end
    move(part, 1, #part, #whole + 1, whole)
    return whole
end

-- The entry of a value: a function, a module.
function M.of_value(value)
    if value == nil then return nil end
    for _, entry in ipairs(book) do
        if rawequal(entry.value, value) then return entry end
    end
end

-- All that an entry says, in one line.
local function words_of(entry)
    local parts = {entry.name, entry.kind, entry.usage or "", entry.text or ""}
    for _, option in ipairs(entry.options or {}) do
        parts[#parts + 1] = option.name
        parts[#parts + 1] = option.text
    end
    return (concat(parts, " "):gsub("%s+", " "))
end

-- All entries in which a word begins so, in any case.
function M.search(word)
    local found = {}
    local pattern = word:lower():gsub("%p", "%%%0")
    if word:find("^%w") then pattern = "%f[%w]" .. pattern end
    for _, entry in ipairs(book) do
        if words_of(entry):lower():find(pattern) then found[#found + 1] = entry end
    end
    return found
end

-- How many letters must be put in, left out, replaced or swapped with their neighbour to make b
-- of a.
local function distance(a, b)
    local before, row = {}, {}
    for j = 0, #b do row[j] = j end
    for i = 1, #a do
        local next = {[0] = i}
        for j = 1, #b do
            local x, y = a:byte(i), b:byte(j)
            next[j] = min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (x == y and 0 or 1))
            local swapped = i > 1 and j > 1 and x == b:byte(j - 1) and a:byte(i - 1) == y
            if swapped then next[j] = min(next[j], before[j - 2] + 1) end
        end
        before, row = row, next
    end
    return row[#b]
end

local MOST_NEAR = 5 -- names proposed for an unknown one
local LONGEST = 64 -- bytes of a word that may be a name

-- What a word of other tools is here, in a line, and the page that says more; nil for others.
function M.foreign(word)
    local i, told, topic = 1, nil, nil
    repeat
        local other, here, page = book.foreign(i)
        if other == word and not told then
            told = ("'%s' is a word of other tools; here it is: %s"):format(word, here)
            topic = page
        end
        i = i + 1
    until not other
    return told, topic
end

-- The names nearest to a word that is none, best first.
function M.nearest(word)
    local seen, near = {}, {}
    word = short(word):lower()
    if #word > LONGEST then return {} end
    for place, entry in ipairs(book) do
        local name = short(entry.name)
        local away = distance(word, name:lower())
        if not seen[name] and away <= max(1, #word // 3) then
            seen[name] = true
            near[#near + 1] = {name = name, away = away, place = place}
        end
    end
    sort(near, function(a, b)
        if a.away ~= b.away then return a.away < b.away end
        return a.place < b.place
    end)
    local names = {}
    for i = 1, min(#near, MOST_NEAR) do names[i] = near[i].name end
    return names
end

-- ---- Writing ----

local WIDTH = 78

-- The letters of a line, not its bytes.
local function letters(text)
    return length(text) or #text
end

-- Breaks a text into lines at blanks. An empty line ends a paragraph; lines that begin with a blank
-- stay as they are.
local function wrap(text, indent)
    local lines = {}
    text = text:gsub("(%S)\n(%S)", "%1 %2")
    for line in (text .. "\n"):gmatch("(.-)\n") do
        local current = indent
        if line:find("^%s") or line == "" then
            current = indent .. line
        else
            for word in line:gmatch("%S+") do
                if letters(current) + letters(word) >= WIDTH and current ~= indent then
                    lines[#lines + 1] = current
                    current = indent
                end
                current = current == indent and indent .. word or current .. " " .. word
            end
        end
        lines[#lines + 1] = (current:gsub("%s+$", ""))
    end
    return concat(lines, "\n")
end

local function indented(text)
    return "  " .. text:gsub("\n", "\n  ")
end

local NEEDED = "must be given" -- stands where a default would, in options that have none

-- Name, text and what is allowed, the text wrapped beside the names.
local function option_lines(options)
    local lines, wide = {}, 0
    for _, option in ipairs(options) do wide = max(wide, letters(option.name)) end
    for i, option in ipairs(options) do
        local notes = {option.range}
        if option.standard == NEEDED then notes[#notes + 1] = NEEDED
        elseif option.standard then notes[#notes + 1] = "by default " .. option.standard end
        local note = #notes > 0 and " (" .. concat(notes, "; ") .. ")" or ""
        local margin = (" "):rep(wide + 4)
        local name = "  " .. option.name .. (" "):rep(wide - letters(option.name)) .. "  "
        lines[i] = name .. wrap((option.text or "") .. note, margin):sub(#margin + 1)
    end
    return concat(lines, "\n")
end

local CALLED = {["function"] = true, method = true, field = true}

local function entry_text(entry)
    local parts = {}
    if CALLED[entry.kind] then
        parts[1] = entry.usage
    else
        parts[1] = entry.kind == "page" and entry.name or entry.kind .. " " .. entry.name
        local usage = entry.usage or ""
        if usage ~= "" and usage ~= entry.name then parts[2] = wrap(usage, "  ") end
    end
    parts[#parts + 1] = wrap(entry.text or "", "  ")
    if entry.options and #entry.options > 0 then
        parts[#parts + 1] = "  options\n" .. indented(option_lines(entry.options))
    end
    if entry.example then
        parts[#parts + 1] = "  example\n" .. indented(indented(entry.example))
    end
    return concat(parts, "\n")
end

-- One line for lists: the name and the beginning of its text.
local function line_of(entry, wide)
    local text = (entry.text or ""):match("^[^\n]*")
    local name = entry.name .. (" "):rep(wide - letters(entry.name))
    local room = WIDTH - wide - 4
    if letters(text) > room then
        text = text:sub(1, offset(text, room) - 1):gsub("%s+%S*$", "") .. " …"
    end
    return "  " .. name .. "  " .. text
end

local function list_of(entries)
    local lines, wide = {}, 0
    for _, entry in ipairs(entries) do wide = max(wide, letters(entry.name)) end
    for i, entry in ipairs(entries) do lines[i] = line_of(entry, wide) end
    return concat(lines, "\n")
end

-- Names of a family in a few lines: what a handle can do, what a module holds.
local function members_text(prefix)
    local names = {}
    for _, entry in ipairs(book) do
        local mark, name = entry.name:match("^" .. prefix .. "([.:])([%w_]+)$")
        if name then names[#names + 1] = (mark == ":" and ":" or ".") .. name end
    end
    if #names == 0 then return nil end
    return "  " .. prefix .. " has\n" .. indented(wrap(concat(names, " "), "  "))
end

local FAMILIES = {
    {"layer", "layers"}, {"activation", "activations"}, {"cost", "costs"},
    {"optimizer", "optimizers"}, {"initialiser", "initialisers"},
    {"file format", "file formats"}, {"page", "pages"},
}

-- The family that is called so, one or many: "cost", "costs".
local function family_text(name)
    for _, family in ipairs(FAMILIES) do
        local entries = {}
        for _, entry in ipairs(book) do
            if entry.kind == family[1] then entries[#entries + 1] = entry end
        end
        local asked = name == family[1] or name == family[2]
        if asked and #entries > 0 then return family[2] .. "\n" .. list_of(entries) end
    end
end

-- How a module shows itself at the prompt.
function M.module_text(name, module)
    local names = {}
    for key in pairs(module) do
        if type(key) == "string" and not key:find("^_") then names[#names + 1] = "." .. key end
    end
    sort(names)
    return "module " .. name .. "\n" .. wrap(concat(names, " "), "  ")
end

-- A heading and the names under it; nothing without names.
local function add_names(parts, heading, names)
    if #names == 0 then return end
    parts[#parts + 1] = heading .. "\n" .. wrap(concat(names, " "), "  ")
end

local FIRST_STEPS = [[
A network learns digits:
  digits = data.digits()
  net = nn.net "64 - 30 - 10"
  net:train(digits.train, {epochs = 30, batch = 10, lr = 3.0, test = digits.test})
  net:gradcheck(digits.test:take(5))
One with a block of layers, and how networks are written: help("blocks"), help("notation").
  nn.net "64 - residual[30 relu - 64 linear] - 10 softmax : cross_entropy"]]

-- What there is, by family.
function M.overview()
    local parts = {
        'help(name) or help(value) explains one thing: help("backward"), help(nn.net).',
        FIRST_STEPS,
    }
    for _, module in ipairs {"tensor", "nn", "data", "plot", "nabla"} do
        local names = {}
        for _, entry in ipairs(book) do
            local name = entry.name:match("^" .. module .. "%.([%w_]+)$")
            if name and entry.kind == "function" then names[#names + 1] = name end
        end
        add_names(parts, module, names)
    end
    for _, family in ipairs(FAMILIES) do
        local names = {}
        for _, entry in ipairs(book) do
            if entry.kind == family[1] then names[#names + 1] = entry.name end
        end
        add_names(parts, family[2], names)
    end
    parts[#parts + 1] = "Methods of a tensor: help(\"tensor\"), of a network: help(\"net\")."
    return concat(parts, "\n")
end

-- ---- Asking ----

local function unknown(name)
    local told, topic = M.foreign(name)
    if told then
        local page = topic and M.name_text(topic)
        return page and told .. "\n\n" .. page or told, true
    end
    local parts = {("there is no help on '%s'"):format(name)}
    local near = M.nearest(name)
    local found = M.search(name)
    if #near > 0 then parts[1] = parts[1] .. "; near it: " .. concat(near, ", ")
    elseif #found == 0 then parts[1] = parts[1] .. "; help() shows what there is" end
    if #found > 0 then
        parts[#parts + 1] = ("these speak of '%s':"):format(name)
        parts[#parts + 1] = list_of(found)
    end
    return concat(parts, "\n"), false
end

-- Whether another of these entries, a constructor, says all that this descriptor does.
local function is_said(entry, entries)
    for _, other in ipairs(entries) do
        if CALLED[other.kind] and not CALLED[entry.kind] and other.text == entry.text then
            return true
        end
    end
    return false
end

-- The page of a name; nil when the book does not know it.
function M.name_text(name)
    local texts, entries = {}, M.find(name)
    for _, entry in ipairs(entries) do
        if not is_said(entry, entries) then texts[#texts + 1] = entry_text(entry) end
    end
    texts[#texts + 1] = members_text(name:gsub("[^%w_]", "%%%0"))
    texts[#texts + 1] = family_text(name)
    return #texts > 0 and concat(texts, "\n\n") or nil
end

local FAMILY_OF_HANDLE = {network = "net", ["data set"] = "set"}

-- Handles are asked by the name of their metatable: "nabla.tensor" is the family "tensor".
local function family_of(value)
    local meta = getmetatable(value)
    local name = type(meta) == "table" and rawget(meta, "__name")
    local noun = type(name) == "string" and name:match("^nabla%.(.+)$")
    return noun and (FAMILY_OF_HANDLE[noun] or noun)
end

-- The text for whatever help is given; second result: whether it was known.
function M.text(...)
    if select("#", ...) == 0 then return M.overview(), true end
    local what = ...
    if type(what) == "string" then
        local text = M.name_text(what)
        if text then return text, true end
        return unknown(what)
    end
    local entry = M.of_value(what)
    if entry then
        local members = type(what) == "table" and members_text(entry.name)
        return entry_text(entry) .. (members and "\n\n" .. members or ""), true
    end
    local family = family_of(what)
    local text = family and M.name_text(family)
    if text then return text, true end
    local noun = family or type(what)
    return ("there is no help on this %s; help() shows what there is"):format(noun), false
end

function M.help(...)
    local show = _G.print or standard_print
    show((M.text(...)))
end

-- ---- Examples ----

-- An example as Lua: what follows an arrow is a comment.
function M.code(example)
    return (example:gsub("→", "--→"))
end

-- Runs an example in `env` as the prompt would: whole if it compiles as one piece, else line by
-- line. Returns the values of its last expression.
function M.run(example, env)
    local source = M.code(example)
    local function compile(text)
        local function try(code) return load(code .. "\n", "=example", "t", env) end
        return try("return " .. text) or try(text)
    end
    local whole = compile(source)
    if whole then return whole() end
    local pending, results = "", pack()
    for line in (source .. "\n"):gmatch("(.-)\n") do
        pending = pending .. line .. "\n"
        local piece = compile(pending)
        if piece then
            results = pack(piece())
            pending = ""
        end
    end
    if pending:find("%S") then error(select(2, load(pending, "=example", "t", env)), 0) end
    return unpack(results, 1, results.n)
end

-- ---- Pages ----

M.doc(M.help, {
    name = "help", kind = "function", usage = "help(x)",
    text = "Explains a name, a function or a value; without x it shows what there is.",
    example = 'help("matmul")',
})

local function page(name, text, example)
    M.doc(nil, {name = name, kind = "page", text = text, example = example})
end

page("notation", [=[
A network in one line: the shape of its input, then its layers, joined by -, then : and a cost.
A bare number is a dense layer; the word behind it is its activation, sigmoid where none stands;
relu@7 changes neuron 7 alone, relu@3..5 three of them; options follow as key=value, those that are
true or false as their name alone: frozen. Words may have options too: leaky_relu(slope=0.2),
init=constant(value=2). The cost is quadratic where none stands; its options follow it: huber
delta=2. A size of the input that is * is free: *x64 is steps of 64 numbers, as many as come (help
page "shapes").

Blocks hold layers in brackets (help page "blocks"): residual[30 - 64] adds what comes in to what
its layers give, residual[30 | 40 - 30] adds two branches, parallel[30 | 40 |] puts branches side by
side, and an empty one passes on what comes in; net[30 - 10] is a network as one layer. Options
stand behind the brackets. 4*[30 - 64] stands for its list four times, each with parameters of its
own. @a is the layer with name=a once more, the same and not a copy: one that stands before it in
its list, or before the lists around it.

tostring(net) begins with its notation, where @3.1 is a layer that no name reaches; reading that
back builds the same network. What notation cannot say, functions and values, the table form of
nn.net takes. ]] ends Lua's long strings: write [==[…]==] around it, or "…".]=],
    [=[nn.net "64 - 30 - 10"
nn.net "784-100 relu-10 softmax : cross_entropy"
nn.net "2 - 3 tanh init=he name=hidden - 1 linear : mse"
nn.net "4 - 5 leaky_relu(slope=0.2) tanh@2 sin@4..5 - 1 frozen"
nn.net "8 - 8 relu name=a - @a - parallel[4 | net[6 - 4] |] name=wide - 3"
nn.net "1x8x8 - flatten - 30 relu - dropout 0.5 - 10 softmax : cross_entropy"
nn.net "64 - 2*[residual[30 relu - 64 linear]] - 10 softmax : cross_entropy"]=])

page("blocks", [=[
Layers that hold layers. residual[f] gives x + f(x), so f must give the shape that it takes;
residual[f | g] gives f(x) + g(x). parallel[f | g] puts side by side what its branches give; an
empty branch passes on x. net[…] is a network as one layer. Blocks stand in blocks. In tables they
are nn.residual{30, 64}, nn.parallel{{30}, {40}, {}} and the network itself.

net[l][k] is layer k of block l, counted through all its branches: those of parallel[a - b | c] are
1, 2 and 3. net:layer "3.1" names the same place, and so do messages, tables and files; a layer's
name may stand for its number: net:layer "wide.2", net.wide[2].

Sharing: a layer value that stands twice in one nn.net, or @name, is one layer at two places. It has
one w and one b, they are counted once, and their gradients add. A layer stands in one network
only: layer:clone() gives another a copy.

Nesting: a network inside another is still the same value and trains alone, and both see what either
learns. But its parameters move into the storage of the outer one, so tensors that you took before
(net:params(), net[1].w) keep the old numbers and belong to nobody: take them anew. net:append,
net:replace, net:cut and net:to move the storage likewise; what fits keeps its numbers. Only the
outermost network can be changed by them.]=],
    [=[net = nn.net "8 - residual[16 relu - 8] - parallel[4 | net[6] |] name=wide"
net[1][2].w.shape[1]            → 8
net:layer "wide.2" == net[2][2] → true
inner = nn.net "4 - 3 tanh"
outer = nn.net{4, inner, 2}
outer[1] == inner               → true
outer:count()                   → 23
a = nn.dense{4, "tanh"}
nn.net{4, a, a}:count()         → 20]=])

page("shapes", [[
The first item of a network is the shape of one example. "64" is a vector of 64 numbers. "*x64" is
steps: any number of them, 64 numbers each, as in a text or a series; the batch brings how many,
and dense works on each step alone. A batch has a dimension more in front: examples × 64, examples
× steps × 64. A single example goes without it and comes back without it.

A * is a free size; a layer that must know it, as dense must know its inputs, says so. Fixed sizes
from two on ("3x2") are open: dense, residual and parallel, which could read them in two ways, say
both; flatten makes a vector of them, reshape 3x2 the other way round; functions of your own (nn.fn)
take them as they are. In tables a shape is {"*", 64}, {3, 2}.
Targets and classes stand at every step: y is then examples × steps × outputs, or examples × steps
for class numbers, and a cost averages over the steps as over the examples.]],
    [[net = nn.net "*x3 - 4 tanh - 2 softmax : cross_entropy"
net(tensor.ones(5, 7, 3)):dim()                     → 3
net(tensor.ones(7, 3)).shape                        → {7, 2}
net:cost(tensor.ones(1, 3, 3), tensor{{1, 2, 1}}) > 0 → true]])

page("index", [[
x[i] is entry i of the first dimension: a view, or a number where one element is left. x[{i, j}]
goes on into the next dimensions. A table in place of a number is a range, both ends included:
{} everything, {a, b} from a to b, {a, b, step} every step-th one, as far as there are any. Indices
count from 1; -1 is the last one; 0 is an error.

A tensor in place of a number is a list of indices: their shape stands where the dimension was.
A u8 tensor is a mask, as x:gt(0) gives it: the entries where it is not 0, for as many dimensions
as it has; one of x's own shape gives the elements in one dimension. Several such tensors are
broadcast together, element by element; what they give stands in their place when they are
neighbours, else first. What indices and masks give is a copy.

Gradients flow through what is read. So where x takes part in a gradient, and outside nn.no_grad,
x[i], x[{i, j}] and x:each() give one element as a tensor without dimensions, on the tape. It
computes and compares by < and > as a number does; == then asks whether both sides are the same
tensor, as Lua has it, so write x[i]:item() == 2. tensor{x[1], 2 * x[2]} and tensor.stack stay on
the tape too.

x[key] = value writes a number, a table or a tensor that broadcasts into what x[key] names; where
an index stands several times the last one counts. What the dtype of x does not hold (300 in u8,
2.5 in i32) is an error. A gradient would not see a change, so it is refused for tensors that
take part in one, but for inside nn.no_grad. The parameters of a network may change whenever no
recorded result needs their values: net[1].w[{2, 3}] = net[1].w[{2, 3}] + 0.01 writes the value
alone, without its tape.

index_select, take, gather, scatter_add, masked_select and masked_fill are methods for the same,
which take lists as well ({3, 1}, {true, false}) and indices of any dtype; nonzero makes indices
of a mask.]],
    [[x = tensor{{1, 2, 3}, {4, 5, 6}}
x[2]                   → 4 5 6
x[{2, -1}]             → 6.0
x[{ {}, {1, 2} }]      → 1 2 / 4 5
x[{ {}, tensor{3, 1} }] → 3 1 / 6 4
x[x:gt(4)]             → 5 6
x[1] = 0
x[x:gt(4)] = tensor{7, 8}
x                      → 0 0 0 / 4 7 8]])

page("broadcasting", [[
Operators and the methods behind them work element by element on tensors whose shapes fit:
shapes are aligned at the last dimension, and sizes must be equal or 1, which repeats. Numbers
stand on either side. Only sizes count, never the number of elements.]],
    "tensor{{1}, {2}} + tensor{10, 20, 30}  → 11 21 31 / 12 22 32")

page("gradients", [[
x:requires_grad_() makes x a parameter: what is computed from it is recorded. c:backward(),
where c is one number, computes the gradient at every parameter and puts it into .grad, fresh
each time unless {accumulate = true}. The recording is spent then, unless {keep = true}.
x:detach() leaves the tape, nn.no_grad(f) runs f without one.

The parameters of a network are on the tape already, and their gradients have one home:
net:grads(), one flat tensor in the order of net:params(), and net[l].w.grad, net[l].b.grad, which
are places in it. Every backward that reaches one of the parameters fills it anew, from net:record,
net:backprop or arithmetic with net[l].w; where the pass did not reach stands 0. A tensor that you
took from there shows the next gradient too: net:grads():clone() keeps one.

net:train with plain gradient descent (sgd without momentum) may add the gradients straight into the
weights and keep none; net:grads() then says so. net:backprop(x, y) computes them at any time.]],
    [[w = tensor{1, 2}:requires_grad_()
c = (w * tensor{3, 4}):sum()
c:backward()
w.grad  → 3 4
net = nn.net "1 - 2 - 1"
net[2].w:sum():backward()
net:grads()    → 0 0 0 0 1 1 0
net[2].w.grad  → 1 1]])

page("frozen", [[
net[l].frozen = true, net:freeze(l) or the word frozen in notation: training leaves the parameters
of layer l as they are, of a block those of all its layers. A pass that training runs computes no
gradients there; trace, gradcheck and backprop show them all the same. net:thaw(l) undoes it;
without l both take the whole network. net[l].factor = 0.1 lets a layer learn at a tenth of the rate.]],
    [[net = nn.net "4 - 3 frozen - 2"
net[1].frozen  → true
net:thaw()
net[1].factor = 0.1]])

page("comparing", [[
x:lt(y), le, gt, ge, eq and ne compare element by element and give u8 tensors of 0 and 1. The
signs < <= > >= compare numbers and tensors without dimensions. == asks whether two names mean
the same thing, as it does for tables.]],
    [[tensor{1, 2, 3}:gt(2)           → 0 0 1
tensor{1, 2}:sum() < 4          → true]])

page("dtype", [[
f32 (the default; nabla.dtype("f64") changes it) and f64 compute; u8 and i32 store: images,
masks, labels, indices. Tensors that meet in an operator or a method meet in the widest that
computes: f32 and f64 give f64, and u8 or i32 beside one of them becomes what that is. Where
none computes, i32 becomes f64, which holds all its numbers, and u8 alone nabla.dtype(). A
number takes the dtype of the tensor beside it where that holds it; beside u8 or i32 a number
that they do not hold is what the tensor becomes. Comparisons give u8 of 0 and 1, indices are
i32, and tensor.cat, tensor.stack and where keep a u8 or i32 that all their tensors share.
x:to(dtype) converts by name: to u8 and i32 it rounds towards zero, keeps to their range (0 to
255, -2147483648 to 2147483647) and makes NaN 0. Nothing else does so: constructors and
assignments refuse what does not fit, and u8 and i32 tensors do not compute in place.]],
    [[(tensor.ones(2, {dtype = "f64"}) + tensor.ones(2):to("u8")).dtype  → f64
tensor{-1.7, 1.7, 300}:to("u8")  → 0 1 255]])

page("layout", [[
A batch is rows: x has the shape (examples, inputs), and a layer computes Z = A Wᵀ + b, where w
has the shape (outputs, inputs) as in the notes. The notes write one example as a column and z =
w a + b; to read them with a whole batch, transpose both sides. net[l].w[{j, k}] is the weight
from neuron k of layer l - 1 to neuron j of layer l, as the notes' w_jk.]],
    [[w, a = tensor{{1, 2}, {3, 4}}, tensor{{1, 1}}
a:matmul(w:t())  → 3 7]])

page("lr", [[
The learning rate, the book's η (eta). Where none is given train and step take one that suits network
and cost. For gradient descent it is

  3     for quadratic, mse and huber after sigmoid and what else stays within 0 … 1
  0.5   for quadratic after softmax
  0.3   for cross_entropy
  0.1   for quadratic after linear, tanh, relu and the like, and for costs of your own

of mse K/2 times as much for K outputs, since it is 2/K of quadratic; a fifth of that unless there
are hidden neurons and all of them stay within 0 … 1, as the book's do; and with momentum μ
(1 - μ)/(1 + μ) times that. adam takes 0.001. Objects such as nn.sgd{lr = 0.5} keep their own.

It is a rule of thumb for inputs of a size around 1, chosen to be slow rather than wild. The line of
progress shows what is used, and the history has it in .lr. Where the cost jumps or is not finite,
take a third of it after net:reset(); where it creeps, three times as much.]],
    [[net = nn.net "64 - 30 - 10"
h = net:train(data.digits().train, {epochs = 2, progress = false})
h.lr[1] → 3]])

page("interrupting", [[
Ctrl-C stops Lua code, training, long products and prints, and gives the prompt back with
everything whole: training keeps what it learned up to the last whole batch. What cannot be
stopped: an endless __gc function or debug hook, one string.find or string.rep that runs by itself
for long, and one matrix in solve, inverse, lstsq, cholesky, qr, svd or eigh; of a batch the next
matrix is not begun.]],
    "nabla.threads()")

return M
