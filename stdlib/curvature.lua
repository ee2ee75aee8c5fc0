-- What a curvature says, as text.

local grouped = require("nabla.plot.given").grouped
local screen = require "nabla.plot.screen"

local math, table = math, table
local ipairs = ipairs

local CLEAR <const> = 0.01 -- of the largest: directions that curve less count as flat

local function number(value)
    return ("%.4g"):format(value)
end

-- How many of a spectrum's values are above, and below, what counts.
local function counts(c)
    local above, below = 0, 0
    for _, list in ipairs {c.values, c.smallest} do
        for _, value in ipairs(list:totable()) do
            if list == c.values and value > math.max(CLEAR * c.largest, c.error) then
                above = above + 1
            end
            local lowest = list == c.smallest or not c.smallest
            if lowest and value < -c.error then below = below + 1 end
        end
    end
    return above, below
end

-- Rows of texts, the first column at the left, the others at the right.
local function aligned(rows)
    local wide, lines = {}, {}
    for _, row in ipairs(rows) do
        for k, text in ipairs(row) do wide[k] = math.max(wide[k] or 0, screen.width(text)) end
    end
    for i, row in ipairs(rows) do
        local parts = {}
        for k, text in ipairs(row) do
            parts[k] = (k == 1 and screen.left or screen.right)(text, wide[k])
        end
        lines[i] = table.concat(parts, "  ")
    end
    return lines
end

local function row(name, c)
    local above, below = counts(c)
    local many = c.smallest and "≥ " or ""
    return {name, grouped(c.parameters), number(c.largest), number(c.least),
        c.lr and number(c.lr) or "any", many .. grouped(above), many .. grouped(below)}
end

-- What the largest means for lr, and the smallest for the place.
local function meaning(c)
    local lines = {}
    if c.lr then
        lines[1] = ("above lr = %s%s plain gradient descent diverges along that " ..
            "direction"):format(c.factors and "" or "2/λ = ", number(c.lr))
    else
        lines[1] = "no direction curves upward: no lr is too large for the curvature"
    end
    if c.least < -c.error then
        lines[2] = ("along the least the cost curves downward, λ = %s: no minimum here"):format(
            number(c.least))
    end
    return lines
end

local function precision(c)
    local text = ("each λ ± %.1g (steps %.1g, asymmetry %.1g)"):format(c.error, c.step, c.asymmetry)
    if c.kinks > 0 then
        text = text .. ("; %s the gradient leaps (a kink): there λ holds on one side"):format(
            c.kinks == 1 and "along 1 direction" or
            ("along %s directions"):format(grouped(c.kinks)))
    end
    if not c.settled then text = text .. "; not settled: more steps would move them" end
    return text
end

local function conditions(c)
    local parts = {}
    if c.factors then parts[#parts + 1] = "lr with the layers' and neurons' own factors" end
    if c.converted then parts[#parts + 1] = "computed in f64, the network is f32" end
    if c.running then parts[#parts + 1] = "batch_norm by its running figures" end
    if c.still then parts[#parts + 1] = "dropout off" end
    return #parts > 0 and table.concat(parts, " · ") or nil
end

return function(c)
    local lines = {("curvature at cost %s · gradient %s long · %s examples"):format(number(c.cost),
        number(c.slope), grouped(c.examples))}
    local lr = c.factors and "lr" or "lr 2/λ"
    local rows = {{"", "parameters", "largest λ", "least λ", lr, "λ above 1 %", "below 0"},
        row("all", c)}
    if #c.layers > 1 then
        for _, layer in ipairs(c.layers) do rows[#rows + 1] = row(layer.name, layer) end
    end
    if c.gauss_newton then
        rows[#rows + 1] = row("Gauss-Newton", {values = c.gauss_newton,
            error = c.gauss_newton_error, parameters = c.parameters, largest = c.gauss_newton[1],
            least = c.gauss_newton[c.gauss_newton:numel()],
            lr = c.gauss_newton_lr})
    end
    table.move(aligned(rows), 1, #rows, 2, lines)
    table.move(meaning(c), 1, 2, #lines + 1, lines)
    if c.missing then lines[#lines + 1] = "no Gauss-Newton matrix: " .. screen.clean(c.missing) end
    lines[#lines + 1] = precision(c)
    lines[#lines + 1] = conditions(c)
    return table.concat(lines, "\n")
end
