-- Kinds that lie inside the network as it stands before the run: its activations, its weights, how
-- deep it is. All look at the start: what a run makes of a layer is the run's doing.

local layout = require "nabla.diagnose.layout"
local words = require "nabla.diagnose.words"

local math, table = math, table
local ipairs, pcall = ipairs, pcall

-- BP2 hands δ down as Wᵀδ ⊙ f′. With weights that keep sums as large as what comes in, a layer
-- leaves f′ of δ: sigmoid's is 0.25 at the most, so after four layers 0.004 are left.
local VANISHED <const> = 0.01
local EXPLODED <const> = 100
-- √inputs times the root mean square of w is 1 for lecun, 1.4 for he. Sums five times as large as
-- what comes in saturate; a tenth in each of three layers leaves a thousandth.
local WIDE <const>, THIN <const> = 5, 0.1
local FLAT <const> = 0.5 -- of the neurons: saturated or dead at the start
local BIAS <const> = 1 -- biases begin at 0; from here on they decide where a neuron stands
local EQUAL <const> = 0.5 -- of the neurons have the weights of another
local NORMS <const> = {batch_norm = true, layer_norm = true, group_norm = true}
local LISTED <const> = 3 -- places that are named

local function figures_by_path(case)
    local out = {}
    for _, figure in ipairs(case.start or {}) do out[figure.path] = figure end
    return out
end

-- δ at the first layer with weights against δ at the last; nil where it is not known.
local function flow(case)
    local first, last
    for _, figure in ipairs(case.start or {}) do
        if figure.relative and figure.delta then
            first, last = first or figure, figure
        end
    end
    if not first or first == last or not (last.delta > 0) then return nil end
    return first.delta / last.delta, first, last
end

-- Whether weights or inputs make the layer's sums so large that any activation is flat there.
local function is_wide(figure)
    return figure.width and figure.width > WIDE
end

-- Whether its weights are as wide as they should be, and its biases begin near 0.
local function is_usual(figure)
    if figure.width and (is_wide(figure) or figure.width < THIN) then return false end
    local has, b = pcall(function() return figure.one.layer.b end)
    return not has or not b or b:abs():mean():item() < BIAS
end

local function hidden_figures(case)
    local by, out = figures_by_path(case), {}
    for _, one in ipairs(layout.hidden(case.own)) do
        if by[one.path] then out[#out + 1] = by[one.path] end
    end
    return out
end

-- ---- hidden activation ----

local RELU <const>, LEAKY <const> = "relu", "leaky_relu(slope=0.1)"
local SOFTMAX <const> = {softmax = true, log_softmax = true}

-- The next layer that is more than a change of shape, of the network's own list.
local function next_top(own, one)
    local seen = false
    for _, other in ipairs(own.layers) do
        if seen and other.top and not other.plain then return other end
        seen = seen or other == one
    end
end

-- Two sums with nothing between are one: w₂ (w₁ a + b₁) + b₂. A layer narrower than what comes in
-- and what goes on is a bottleneck that somebody meant.
local function is_joined(own, one)
    if not one.top or not one.sums or one.activation ~= "linear" or one.layer.frozen then
        return false
    end
    local after = next_top(own, one)
    if not after or not after.sums then return false end
    local units, from, to = one.layer.w:size(1), layout.fan(one.layer), after.layer.w:size(1)
    return not (units < from and units < to)
end

local function look_linear(found, case)
    local list = {}
    for _, one in ipairs(layout.hidden(case.own)) do
        if is_joined(case.own, one) then list[#list + 1] = one end
    end
    if #list == 0 then return end
    local names = {}
    for i, one in ipairs(list) do names[i] = one.path end
    found[#found + 1] = {where = "layer " .. table.concat(names, ", "), ones = list,
        evidence = ("linear, and the next layer a sum as well: together they can do no more " ..
            "than one layer; all slopes are 1")}
end

-- An activation of what an activation gave.
local function look_twice(found, case)
    local tops = {}
    for _, one in ipairs(case.own.layers) do
        if one.top and not one.plain then tops[#tops + 1] = one end
    end
    for i = 2, #tops do
        local before, one = tops[i - 1], tops[i]
        if one.type == "act" and before.activation and before.activation ~= "linear" then
            found[#found + 1] = {where = ("layers %s and %s"):format(before.path, one.path),
                cures = {layout.activated(before, "linear")},
                evidence = ("%s of what %s gave: nothing stands between"):format(one.activation,
                    before.activation)}
        end
    end
end

local function look_softmax(found, case)
    if #found > 0 then return end
    for _, figure in ipairs(hidden_figures(case)) do
        if SOFTMAX[figure.one.activation] then
            found[#found + 1] = {where = "layer " .. figure.path, ones = {figure.one},
                evidence = ("%s inside: its %d outputs add up to 1, %s each, and vary in %s " ..
                    "directions"):format(figure.one.activation, figure.neurons,
                    words.number(1 / figure.neurons), words.number(figure.rank))}
        end
    end
end

-- Layers without a slope though their sums are of usual size: step, or relu behind sums below 0.
local function look_flat(found, case)
    for _, figure in ipairs(hidden_figures(case)) do
        local flat = figure.saturated and figure.saturated + figure.dead
        local usual = is_usual(figure) and figure.z and figure.z < WIDE
        if flat and flat > FLAT and usual and figure.one.activation ~= "linear" then
            found[#found + 1] = {where = "layer " .. figure.path, ones = {figure.one},
                evidence = ("%s of the neurons have no slope at the start (dead %s, saturated " ..
                    "%s), with z of size %s"):format(words.percent(flat),
                    words.percent(figure.dead), words.percent(figure.saturated),
                    words.number(figure.z))}
        end
    end
end

-- δ that is lost from layer to layer by slopes, not by weights.
local function look_vanishing(found, case)
    local ratio, first, last = flow(case)
    if not ratio or not (ratio < VANISHED) or #found > 0 then return end
    local ones, slopes = {}, 0
    for _, figure in ipairs(hidden_figures(case)) do
        if figure.slope and figure.slope < FLAT and is_usual(figure) then
            ones[#ones + 1] = figure.one
            slopes = slopes + figure.slope
        end
    end
    if #ones < 2 then return end
    found[#found + 1] = {where = ("layers %s to %s"):format(ones[1].path, ones[#ones].path),
        ones = ones, slower = true,
        evidence = ("δ of layer %s is %s of that of layer %s: the slope of each layer between " ..
            "is %s in the mean"):format(first.path, words.number(ratio), last.path,
            words.number(slopes / #ones))}
end

local function look_activation(case)
    local found = {}
    look_twice(found, case)
    look_softmax(found, case)
    look_linear(found, case)
    look_flat(found, case)
    look_vanishing(found, case)
    return found
end

-- relu, with weights as wide as it wants them; where slopes used δ up it is greater then by all of
-- them, so also at a tenth of the rate; and tanh, as it stands.
local function cure_activation(case, finding)
    local relu, tanh = {}, {}
    if finding.cures then return finding.cures end
    for _, one in ipairs(finding.ones) do
        local line = layout.activated(one, one.activation == RELU and LEAKY or RELU)
        if one.sums then line = line .. "; " .. layout.redrawn(one, RELU) end
        relu[#relu + 1] = line
        tanh[#tanh + 1] = layout.activated(one, "tanh")
    end
    local list, lr = {table.concat(relu, "\n")}, case.rate()
    if finding.slower and lr then
        list[2] = ("%s\n%s = %s"):format(list[1], case.rate_name, layout.number(lr / 10))
    end
    list[#list + 1] = table.concat(tanh, "\n")
    return list
end

-- ---- initialiser ----

local function sums_of(case)
    local out = {}
    for _, figure in ipairs(case.start or {}) do
        if figure.one.sums and not figure.one.layer.frozen then out[#out + 1] = figure end
    end
    return out
end

local function add(found, figure, evidence)
    found[#found + 1] = {where = "layer " .. figure.path, evidence = evidence, figure = figure}
end

-- Neurons with equal weights get equal gradients (BP4) and stay equal. The outputs of a network
-- get δ of their own, so that they part.
local function look_equal(found, case, figure)
    if figure.one == case.own.output or not (figure.equal > EQUAL * figure.neurons) then return end
    add(found, figure, ("%d of %d neurons have the weights of another: they get the same " ..
        "gradient and stay equal"):format(figure.equal, figure.neurons))
end

local function look_width(found, case, figure)
    local width = figure.width
    if width > WIDE then
        add(found, figure, ("weights of size %s for %d inputs make sums %s times as large as " ..
            "what comes in%s"):format(words.number(width / math.sqrt(layout.fan(figure.one.layer))),
            layout.fan(figure.one.layer), words.number(width), figure.flat and
            (": %s of the slopes are below 0.01"):format(words.percent(figure.flat)) or ""))
    elseif width < THIN and figure.one ~= case.own.output then
        add(found, figure, ("weights of size %s for %d inputs make sums %s times as large as " ..
            "what comes in"):format(words.number(width / math.sqrt(layout.fan(figure.one.layer))),
            layout.fan(figure.one.layer), words.number(width)))
    end
end

-- Biases that decide where neurons stand, whatever comes in.
local function look_bias(found, figure)
    local has, b = pcall(function() return figure.one.layer.b end)
    if not has or not b then return end
    local size = b:abs():mean():item()
    local flat = (figure.saturated or 0) + (figure.dead or 0)
    if size >= BIAS and flat > FLAT then
        add(found, figure, ("biases of size %s: %s of the neurons have no slope"):format(
            words.number(size), words.percent(flat)))
    end
end

-- Weights that are each a little too wide add up: the sums of the last layer against the inputs.
local function look_explosion(found, case)
    local ratio, first, last = flow(case)
    if not ratio or #found > 0 or not (ratio > EXPLODED) then return end
    for _, figure in ipairs(sums_of(case)) do
        if figure.width > 1.5 * math.sqrt(layout.gain(figure.one.activation)) then
            add(found, figure, ("δ of layer %s is %s times that of layer %s; this layer's sums " ..
                "are %s times as large as what comes in"):format(first.path, words.number(ratio),
                last.path, words.number(figure.width)))
        end
    end
end

-- Numbers that are none, before anything is learned: the layers that hold them drawn anew, by
-- their own initialiser where that can be said of them alone.
local function drawn_anew(bad)
    local one = bad.one
    if one.sums then return layout.redrawn(one) end
    if NORMS[one.type] and one.top and not one.notation:find "[<=]" then
        return ('net:replace(%d, "%s")'):format(one.at[1], one.notation)
    end
    return "net:reset()"
end

local function look_broken(case)
    local first, places, lines, seen, count = case.broken[1], {}, {}, {}, 0
    if not first then return {} end
    for _, bad in ipairs(case.broken) do
        local line = drawn_anew(bad)
        if not seen[line] then lines[#lines + 1] = line end
        if #places < LISTED then
            places[#places + 1] = ("layer %s, %s"):format(bad.one.path, bad.place)
        end
        seen[line], count = true, count + bad.count
    end
    if seen["net:reset()"] then lines = {"net:reset()"} end
    local evidence = ("%s of the network %s not finite, the first %s = %s"):format(
        words.count(count, "number"), count == 1 and "is" or "are", first.place,
        words.number(first.value))
    if case.trained then
        return {{where = table.concat(places, "; "), cures = {}, evidence = evidence ..
            ", after its training; the runs begin with others"}}
    end
    return {{where = table.concat(places, "; "), certain = true, evidence = evidence,
        cures = {table.concat(lines, "\n")}}}
end

local function look_initialiser(case)
    local found = {}
    if case.trained then return found end
    for _, figure in ipairs(sums_of(case)) do
        local before = #found
        look_equal(found, case, figure)
        if #found == before then look_width(found, case, figure) end
        if #found == before then look_bias(found, figure) end
    end
    look_explosion(found, case)
    return found
end

-- One cure for all layers that are so: one alone would leave the others.
local function join(found)
    if #found < 2 then return found end
    local paths = {}
    for i, finding in ipairs(found) do paths[i] = finding.figure.path end
    return {{where = "layers " .. table.concat(paths, ", "), all = found,
        evidence = ("layer %s: %s"):format(paths[1], found[1].evidence)}}
end

local function cure_initialiser(_, finding)
    if finding.cures then return finding.cures end
    local lines = {}
    for _, each in ipairs(finding.all or {finding}) do
        lines[#lines + 1] = layout.redrawn(each.figure.one)
    end
    return {table.concat(lines, "\n")}
end

-- ---- depth ----

local DEEP <const> = 4 -- layers with weights, from which depth itself is doubted

local function look_depth(case)
    local ratio, first, last = flow(case)
    local sums = {}
    for _, one in ipairs(case.own.layers) do
        if one.top and one.type == "dense" then sums[#sums + 1] = one end
    end
    if not ratio or #sums < DEEP then return {} end
    if not (ratio < VANISHED or ratio > EXPLODED) then return {} end
    return {{where = ("layers %s to %s"):format(sums[2].path, sums[#sums - 1].path), sums = sums,
        evidence = ("δ of layer %s is %s of that of layer %s, through %d layers"):format(
            first.path, words.number(ratio), last.path, #sums)}}
end

-- The layers between the first and the last that do not change the width, all of them; then half.
local function cure_depth(case, finding)
    local sums = finding.sums
    local first, last = sums[2].at[1], sums[#sums - 1].at[1]
    for l = first, last do
        local one
        for _, other in ipairs(case.own.layers) do
            if other.top and other.at[1] == l then one = other end
        end
        if not one or not (one.type == "dense" or one.plain) then return {} end
    end
    local list = {("net:cut(%d, %d)"):format(first, last)}
    local middle = first + (last - first + 1) // 2
    if middle <= last and middle > first then
        list[2] = ("net:cut(%d, %d)"):format(middle, last)
    end
    return list
end

return {
    {kind = "hidden activation", look = look_activation, cure = cure_activation,
        words = "softmax inside, layers of sums with nothing between, activations without " ..
            "slope, δ that their slopes use up on the way down"},
    {kind = "initialiser", cure = cure_initialiser,
        look = function(case)
            local found = look_broken(case)
            return #found > 0 and found or join(look_initialiser(case))
        end,
        words = "numbers of the network that are not finite, neurons with equal weights, " ..
            "weights or biases too large or too small for the number of inputs"},
    {kind = "depth", look = look_depth, cure = cure_depth,
        words = "four layers of sums or more, through which δ vanishes or explodes"},
}
