-- manual.lua: writes the book of help in the forms that other programs read: the manual page
-- nabla-lua(3), and definitions for the Lua language server (LuaCATS), one file per module.
-- usage: nabla -E manual.lua man       the page, on standard output
--        nabla -E manual.lua meta DIR  DIR/tensor.lua, DIR/nn.lua, …

local book = nabla._book

-- What a handle of each family is called in the headings of the page, and in what order they come.
local FAMILIES <const> = {
    {prefix = "help", title = "HELP"},
    {prefix = "nabla", title = "THE PROGRAM"},
    {prefix = "tensor", title = "TENSORS"},
    {prefix = "nn", title = "NETWORKS: THE MODULE NN"},
    {prefix = "net", title = "A NETWORK"},
    {prefix = "layer", title = "A LAYER"},
    {prefix = "neuron", title = "A NEURON"},
    {prefix = "neurons", title = "SEVERAL NEURONS"},
    {prefix = "trace", title = "A TRACE"},
    {prefix = "attention", title = "WHERE ATTENTION LOOKS"},
    {prefix = "curvature", title = "A CURVATURE"},
    {prefix = "evaluation", title = "AN EVALUATION"},
    {prefix = "example_gradients", title = "THE GRADIENTS OF EXAMPLES"},
    {prefix = "history", title = "A HISTORY OF TRAINING"},
    {prefix = "flow", title = "WHAT FLOWED IN TRAINING"},
    {prefix = "trainer", title = "A TRAINER"},
    {prefix = "sweep", title = "A SWEEP"},
    {prefix = "activation", title = "AN ACTIVATION AS A FUNCTION"},
    {prefix = "data", title = "DATA"},
    {prefix = "set", title = "A DATA SET"},
    {prefix = "example", title = "AN EXAMPLE"},
    {prefix = "plot", title = "PLOTS"},
    {prefix = "learn", title = "THE NOTES, LIVE"},
}
local KINDS <const> = {
    {kind = "layer", title = "LAYERS"},
    {kind = "activation", title = "ACTIVATIONS"},
    {kind = "cost", title = "COSTS"},
    {kind = "optimizer", title = "OPTIMIZERS"},
    {kind = "schedule", title = "SCHEDULES"},
    {kind = "metric", title = "METRICS"},
    {kind = "initialiser", title = "INITIALISERS"},
    {kind = "file format", title = "FILE FORMATS"},
    {kind = "page", title = "NOTES"},
}

local function family_of(entry)
    return entry.name:match "^([%w_]+)%f[%W]"
end

-- Entries that are called or read: functions, methods, fields, operators.
local function is_called(entry)
    return entry.kind == "function" or entry.kind == "method" or entry.kind == "field" or
        entry.kind == "operator"
end

local function each(fits)
    local found = {}
    for _, entry in ipairs(book) do
        if fits(entry) then found[#found + 1] = entry end
    end
    return found
end

-- ---- The manual page ----

-- Text that troff takes as it is.
local function plain(text)
    local safe = text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("…", "...")
    safe = safe:gsub("\n([.'])", "\n\\&%1")
    return (safe:gsub("^[.']", "\\&%0"))
end

-- A text of several lines: those that begin with a blank stay as they are, as columns do.
local function body(text)
    local lines, columns = {}, false
    for line in (plain(text) .. "\n"):gmatch "(.-)\n" do
        local is = line:find "^%s" ~= nil
        if is ~= columns then lines[#lines + 1] = is and ".EX" or ".EE" end
        columns = is
        lines[#lines + 1] = line
    end
    if columns then lines[#lines + 1] = ".EE" end
    return table.concat(lines, "\n")
end

local function option_text(option)
    local notes = {option.range}
    if option.standard then notes[#notes + 1] = "by default " .. option.standard end
    local note = #notes > 0 and " (" .. table.concat(notes, "; ") .. ")" or ""
    return plain((option.text or "") .. note)
end

local function print_entry(entry)
    print ".TP"
    print(".B " .. plain(entry.usage or entry.name))
    print(body(entry.text or ""))
    if entry.options and #entry.options > 0 then
        print ".RS"
        for _, option in ipairs(entry.options) do
            print(".TP\n.I " .. plain(option.name) .. "\n" .. option_text(option))
        end
        print ".RE"
    end
    if entry.example then
        print(".IP\n.EX\n" .. plain(entry.example) .. "\n.EE")
    end
end

-- Entries of a family without a usage of their own are called by their name.
local function print_named(entry)
    print(".TP\n.B " .. plain(entry.name))
    local usage = entry.usage ~= entry.name and entry.usage
    if usage then print(plain(usage) .. "\n.br") end
    print(body(entry.text or ""))
    if entry.example then print(".IP\n.EX\n" .. plain(entry.example) .. "\n.EE") end
end

local function print_section(title, entries, print_one)
    if #entries == 0 then return end
    print(".SH " .. title)
    for _, entry in ipairs(entries) do print_one(entry) end
end

local function write_man()
    print(('.TH NABLA-LUA 3 "" "nabla %s" "Lua Modules"'):format(nabla.version))
    print ".SH NAME\nnabla-lua \\- the Lua modules of nabla: every name"
    print ".SH SYNOPSIS\n.nf\nlocal nabla = require \"nabla\"\n.fi"
    print ".SH DESCRIPTION"
    print "At nabla's prompt and in its scripts the modules are globals; elsewhere they are fields"
    print "of the table that require gives.  In an example an arrow begins a comment: what the line"
    print "gives.  At the prompt, ?name shows the same pages."
    for _, family in ipairs(FAMILIES) do
        print_section(family.title, each(function(entry)
            return is_called(entry) and family_of(entry) == family.prefix
        end), print_entry)
    end
    for _, of in ipairs(KINDS) do
        print_section(of.title, each(function(entry) return entry.kind == of.kind end),
            print_named)
    end
    print ".SH SEE ALSO\n.BR nabla (1),\n.BR lua (1)"
end

-- ---- Definitions for the language server ----

local CLASSES <const> = {
    tensor = "nabla.tensor", net = "nabla.network", layer = "nabla.layer",
    neuron = "nabla.neuron", set = "nabla.set", trace = "nabla.trace",
    activation = "nabla.activation", history = "nabla.history",
    example_gradients = "nabla.example_gradients", trainer = "nabla.trainer",
    sweep = "nabla.sweep", neurons = "nabla.neurons", attention = "nabla.attention",
    curvature = "nabla.curvature", evaluation = "nabla.evaluation", flow = "nabla.flow",
    example = "nabla.example",
}
local MODULES <const> = {"tensor", "nn", "data", "plot", "learn", "nabla"}
local MODULE_OF <const> = {
    tensor = "tensor", nn = "nn", net = "nn", layer = "nn", neuron = "nn", trace = "nn",
    activation = "nn", history = "nn", example_gradients = "nn", trainer = "nn", sweep = "nn",
    neurons = "nn", attention = "nn", curvature = "nn", evaluation = "nn", flow = "nn",
    data = "data", set = "data", example = "data", plot = "plot", learn = "learn", nabla = "nabla",
}

-- Types of parameters by the names that the usages give them; what is missing may be anything.
local TYPES <const> = {
    dim = "integer", dims = "integer", sizes = "integer", n = "integer", k = "integer",
    path = "string", folder = "string", dtype = "string", f = "function", seed = "integer",
    x = "nabla.tensor|number|table", y = "nabla.tensor|number|table",
}
-- What functions give, by family; what stands under no name is what the others of the family give.
local PAIR <const> = {"nabla.tensor", "nabla.tensor"}
local RESULTS <const> = {
    tensor = {
        {"nabla.tensor"},
        all = {"boolean|nabla.tensor"}, any = {"boolean|nabla.tensor"}, equal = {"boolean"},
        allclose = {"boolean"}, is_contiguous = {"boolean"}, argmax = {"integer|nabla.tensor"},
        argmin = {"integer|nabla.tensor"}, dim = {"integer"}, size = {"integer"},
        numel = {"integer"}, item = {"number"}, totable = {"table|number"}, each = {"function"},
        format = {"string"}, backward = {}, save = {}, load = {"nabla.tensor|table"},
        chunk = {"nabla.tensor[]"}, split = {"nabla.tensor[]"}, max = PAIR, min = PAIR, sort = PAIR,
        topk = PAIR, median = PAIR, histogram = PAIR, qr = PAIR, eigh = PAIR,
        svd = {"nabla.tensor", "nabla.tensor", "nabla.tensor"},
    },
    nn = {{"any"}, net = {"nabla.network"}, load = {"nabla.network"}, no_grad = {"any"},
        activation = {"nabla.activation"}, sweep = {"nabla.sweep"}},
    net = {
        {"any"}, clone = {"nabla.network"}, reset = {}, params = {"nabla.tensor"},
        grads = {"nabla.tensor"}, count = {"integer"}, notation = {"string"}, save = {},
        record = {"nabla.tensor"}, cost = {"number"}, numeric_gradient = {"table", "table"},
        backprop = {"table", "table"}, trace = {"nabla.trace"},
        example_gradients = {"nabla.example_gradients"}, trainer = {"nabla.trainer"},
    },
    layer = {{"any"}, neuron = {"nabla.neuron"}},
    trace = {{"nabla.tensor"}},
    example_gradients = {{"nabla.tensor"}},
    history = {{"any"}, save = {}},
    trainer = {{"any"}, step = {"nabla.trainer"}, epoch = {"nabla.trainer"}, save = {},
        back = {"nabla.trainer"}, seek = {"nabla.trainer"}, run = {"nabla.history"}},
    sweep = {{"nabla.sweep"}, best = {"table"}},
    neurons = {}, attention = {}, curvature = {}, evaluation = {}, flow = {}, example = {},
    data = {{"nabla.set"}, idx = {"nabla.tensor"}},
    set = {{"nabla.set"}, split = {"nabla.set", "nabla.set"}},
    plot = {{"string?"}},
    learn = {{}},
    nabla = {{"any"}, seed = {"integer"}, threads = {"integer"}, dtype = {"string"},
        memory = {"table"}},
}

for _, of in pairs(RESULTS) do of.show = {"string?"} end

-- The parts of an argument list, split at the commas that stand in no bracket.
local function split(list)
    local parts, depth, from = {}, 0, 1
    for at = 1, #list + 1 do
        local sign = list:sub(at, at)
        if sign:find "[%[{(]" then depth = depth + 1 end
        if sign:find "[%]})]" then depth = depth - 1 end
        if (sign == "," and depth == 0) or at > #list then
            local part = list:sub(from, at - 1):match "^%s*(.-)%s*$"
            if part ~= "" then parts[#parts + 1] = part end
            from = at + 1
        end
    end
    return parts
end

-- One argument of a usage as {name, type, optional}: "[columns]", "sizes…", "{keep}", "x | set".
local function parameter(part, options)
    if part:find "^{" then return {name = "options", type = options, optional = true} end
    local inner = part:match "^%[(.*)%]$"
    if part == "true | false" then return {name = "on", type = "boolean", optional = true} end
    local name = (inner or part):match "^[%a_][%w_]*" or "value"
    if part:find "…$" then return {name = "...", type = TYPES[name] or "any"} end
    local type = part:find "|" and "any" or TYPES[name] or "any"
    return {name = name, type = type, optional = inner ~= nil}
end

local function parameters(entry, options)
    local usage = entry.usage or ""
    local list = usage:match "%b()" or usage:match "%b{}" or "()"
    if list:find "^{" then return {parameter(list, options)} end
    local out = {}
    for i, part in ipairs(split(list:sub(2, -2))) do
        out[i] = parameter(part, options)
        -- Nothing may follow "..." in Lua: options behind many sizes are one of them.
        if out[i].name == "..." then
            if entry.options then out[i].type = out[i].type .. "|" .. options end
            break
        end
    end
    return out
end

local function comment(text)
    return "---" .. text:gsub("\n", "\n---")
end

-- The class of an entry's trailing table; returns its name.
local function write_options(file, entry)
    if not entry.options or #entry.options == 0 then return "table" end
    local class = "nabla.options." .. entry.name:gsub("[:.]", "."):gsub("^nabla%.", "")
    file:write("---@class ", class, "\n")
    for _, option in ipairs(entry.options) do
        file:write("---@field ", option.name, "? any ", option.text or "", "\n")
    end
    file:write "\n"
    return class
end

local function write_function(file, entry, owner)
    local names = {}
    local options = write_options(file, entry)
    file:write(comment(entry.text or ""), "\n")
    if entry.example then file:write(comment("\n```lua\n" .. entry.example .. "\n```"), "\n") end
    for i, of in ipairs(parameters(entry, options)) do
        names[i] = of.name
        file:write("---@param ", of.name, of.optional and "? " or " ", of.type, "\n")
    end
    local mark, name = entry.name:match "([.:])([%w_]+)$"
    local family = RESULTS[family_of(entry)] or {{"any"}}
    for _, result in ipairs(family[name] or family[1]) do file:write("---@return ", result, "\n") end
    file:write("function ", owner, mark, name, "(", table.concat(names, ", "), ") end\n\n")
end

-- A handle's class: its fields, then its methods.
local function write_class(file, prefix)
    local class, owner = CLASSES[prefix], prefix .. "_methods"
    file:write("---@class ", class, "\n")
    local members = each(function(entry) return family_of(entry) == prefix end)
    for _, entry in ipairs(members) do
        local name = entry.kind == "field" and entry.name:match "[%w_]+$"
        if name then
            file:write("---@field ", name, " any ", (entry.text or ""):gsub("\n", " "), "\n")
        end
    end
    if prefix == "tensor" then
        for _, sign in ipairs {"add", "sub", "mul", "div", "pow"} do
            file:write("---@operator ", sign, "(any): nabla.tensor\n")
        end
        file:write "---@operator unm: nabla.tensor\n"
    end
    if prefix == "activation" then
        file:write "---@overload fun(z: nabla.tensor|number|table, options?: table): any\n"
    end
    file:write("local ", owner, " = {}\n\n")
    for _, entry in ipairs(members) do
        if entry.kind == "method" then write_function(file, entry, owner) end
    end
end

local function write_module(folder, module)
    local file = assert(io.open(folder .. "/" .. module .. ".lua", "w"))
    file:write("---@meta\n\n---@class nabla.module.", module, "\n")
    if module == "tensor" then
        file:write "---@overload fun(value: any, options?: table): nabla.tensor\n"
    end
    if module == "learn" then
        file:write "---@overload fun(what?: integer|string|table)\n"
    end
    file:write(module, " = {}\n\n")
    for _, entry in ipairs(book) do
        local is = entry.kind == "function" and entry.name:match "^(%w+)%." == module
        if is then write_function(file, entry, module) end
    end
    if module == "nn" then
        for _, entry in ipairs(each(function(entry) return entry.kind == "activation" end)) do
            file:write(comment(entry.text), "\n---", entry.usage, "\n")
            file:write("---@type nabla.activation\nnn.", entry.name, " = nil\n\n")
        end
    end
    local prefixes = {}
    for prefix in pairs(CLASSES) do prefixes[#prefixes + 1] = prefix end
    table.sort(prefixes)
    for _, prefix in ipairs(prefixes) do
        if MODULE_OF[prefix] == module then write_class(file, prefix) end
    end
    assert(file:close())
end

-- ---- What is asked for ----

local forms <const> = {
    man = write_man,
    meta = function(folder)
        for _, module in ipairs(MODULES) do
            write_module(assert(folder, "no folder named"), module)
        end
    end,
}

local write = forms[arg[1]]
if not write then
    io.stderr:write "usage: manual.lua man | meta DIR\n"
    os.exit(2)
end
write(arg[2])
