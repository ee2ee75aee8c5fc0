-- NIST's certified nonlinear regression problems as networks: how each is built, which weights its
-- parameters b are, and which b weights are. Networks where the model is one, else nn.fn.

local problems = {}

-- ---- Reading the files: they tell their lines ----

local function numbers(line)
    local list = {}
    for word in line:gmatch "%S+" do list[#list + 1] = tonumber(word) end
    return list
end

-- "Certified Values  (lines 41 to 47)"
local function lines_of(lines, what)
    for _, line in ipairs(lines) do
        local first, last = line:match(what .. "%s+%(lines%s+(%d+)%s+to%s+(%d+)%)")
        if first then return tonumber(first), tonumber(last) end
    end
    error("the file does not say where its " .. what .. " are")
end

-- {starts = {{b…}, {b…}}, certified = {b…}, errors = {…}, squares =, x =, y =}
function problems.read(path)
    local lines, found = {}, {starts = {{}, {}}, certified = {}, errors = {}}
    for line in io.lines(path) do lines[#lines + 1] = line end
    local first, last = lines_of(lines, "Starting Values")
    for i = first, last do
        local row = numbers(lines[i]:match "=(.*)")
        table.insert(found.starts[1], row[1])
        table.insert(found.starts[2], row[2])
        table.insert(found.certified, row[3])
        table.insert(found.errors, row[4])
    end
    for _, line in ipairs(lines) do
        local squares = line:match "Residual Sum of Squares:%s+(%S+)"
        if squares then found.squares = tonumber(squares) end
    end
    local x, y = {}, {}
    first, last = lines_of(lines, "Data ")
    for i = first, last do
        local row = numbers(lines[i])
        if #row > 0 then
            y[#y + 1] = {row[1]}
            x[#x + 1] = {table.unpack(row, 2)}
        end
    end
    found.x, found.y = tensor(x, {dtype = "f64"}), tensor(y, {dtype = "f64"})
    return found
end

-- ---- Models that are functions ----

-- A model f(x, b1, b2, …) as one layer: its weights are its parameters.
local function model(count, f)
    local params = {}
    for i = 1, count do params[i] = {name = "b" .. i, 1} end
    local function same(b) return b end
    return {
        net = function() return nn.net {1, nn.fn {f = f, params = params}} end,
        weights = same,
        parameters = same,
    }
end

problems.Chwirut2 = model(3, function(x, b1, b2, b3) return (-(b1 * x)):exp() / (b2 + b3 * x) end)
problems.Hahn1 = model(7, function(x, b1, b2, b3, b4, b5, b6, b7)
    return (b1 + x * (b2 + x * (b3 + x * b4))) / (1 + x * (b5 + x * (b6 + x * b7)))
end)
problems.Kirby2 = model(5, function(x, b1, b2, b3, b4, b5)
    return (b1 + x * (b2 + x * b3)) / (1 + x * (b4 + x * b5))
end)
problems.MGH10 = model(3, function(x, b1, b2, b3) return b1 * (b2 / (x + b3)):exp() end)

-- ---- Models that are networks ----

local function notation(text)
    return function() return nn.net(text) end
end

-- b1 / (1 + exp(b2 - b3 x))
problems.Rat42 = {
    net = notation "1 - 1 sigmoid - 1 linear bias=false",
    weights = function(b) return {b[3], -b[2], b[1]} end,
    parameters = function(w) return {w[3], -w[2], w[1]} end,
}

-- b1 exp(-b2 x) + b3 exp(-b4 x) + b5 exp(-b6 x)
local lanczos = {
    net = notation "1 - 3 exp bias=false - 1 linear bias=false",
    weights = function(b) return {-b[2], -b[4], -b[6], b[1], b[3], b[5]} end,
    parameters = function(w) return {w[4], -w[1], w[5], -w[2], w[6], -w[3]} end,
}
problems.Lanczos1, problems.Lanczos3 = lanczos, lanczos

-- b1 + b2 exp(-x b4) + b3 exp(-x b5)
problems.MGH17 = {
    net = notation "1 - 2 exp bias=false - 1 linear",
    weights = function(b) return {-b[4], -b[5], b[2], b[3], b[1]} end,
    parameters = function(w) return {w[5], w[3], w[4], -w[1], -w[2]} end,
}

-- b1/b2 exp(-½ ((x - b3) / b2)²): the neuron is e^-z²
problems.Eckerle4 = {
    net = notation "1 - 1 gaussian - 1 linear bias=false",
    weights = function(b)
        local w = 1 / (math.sqrt(2) * b[2])
        return {w, -b[3] * w, b[1] / b[2]}
    end,
    parameters = function(w)
        local b2 = 1 / (math.sqrt(2) * w[1])
        return {w[3] * b2, b2, -w[2] / w[1]}
    end,
}

-- b1 exp(-b2 x) + b3 exp(-((x - b4)/b5)²) + b6 exp(-((x - b7)/b8)²)
problems.Gauss1 = {
    net = notation "1 - parallel[1 exp bias=false | 2 gaussian] - 1 linear bias=false",
    weights = function(b)
        return {-b[2], 1 / b[5], 1 / b[8], -b[4] / b[5], -b[7] / b[8], b[1], b[3], b[6]}
    end,
    parameters = function(w)
        return {w[6], -w[1], w[7], -w[4] / w[2], 1 / w[2], w[8], -w[5] / w[3], 1 / w[3]}
    end,
}

-- b1 and three times b cos + b′ sin, which is A sin(w x + φ) with A sin φ = b, A cos φ = b′. The
-- first w is known, so it rests, and its bias learns.
problems.ENSO = {
    net = function()
        local net = nn.net "1 - 3 sin - 1 linear"
        net[1].mask = {w = tensor {{0}, {1}, {1}}}
        return net
    end,
    weights = function(b)
        local turn = 2 * math.pi
        return {turn / 12, turn / b[4], turn / b[7],
            math.atan(b[2], b[3]), math.atan(b[5], b[6]), math.atan(b[8], b[9]),
            math.sqrt(b[2] ^ 2 + b[3] ^ 2), math.sqrt(b[5] ^ 2 + b[6] ^ 2),
            math.sqrt(b[8] ^ 2 + b[9] ^ 2), b[1]}
    end,
    parameters = function(w)
        local turn = 2 * math.pi
        local function cos(k) return w[6 + k] * math.sin(w[3 + k]) end
        local function sin(k) return w[6 + k] * math.cos(w[3 + k]) end
        return {w[10], cos(1), sin(1), turn / w[2], cos(2), sin(2), turn / w[3], cos(3), sin(3)}
    end,
}

-- b1 x^b2 = exp(b2 ln x + ln b1)
problems.DanWood = {
    net = notation "1 - 1 exp",
    x = function(x) return x:log() end,
    weights = function(b) return {b[2], math.log(b[1])} end,
    parameters = function(w) return {math.exp(w[2]), w[1]} end,
}

-- b1 f(b2 x)
local function of_activation(f)
    local activation = nn.activation {f = f}
    return {
        net = function()
            return nn.net {1, nn.dense {1, activation, bias = false},
                nn.dense {1, "linear", bias = false}}
        end,
        weights = function(b) return {b[2], b[1]} end,
        parameters = function(w) return {w[2], w[1]} end,
    }
end
local rise = of_activation(function(z) return -(-z):expm1() end)
problems.BoxBOD, problems.Misra1a = rise, rise
problems.Misra1b = of_activation(function(z) return 1 - (1 + z / 2) ^ -2 end)

-- ---- A run ----

-- Digits of a value that agree with the certified one, as NIST counts them: 11 at most.
function problems.digits(value, certified)
    if value ~= value then return 0 end
    local off = math.abs(value - certified)
    if off == 0 then return 11 end
    local digits = -math.log(certified == 0 and off or off / math.abs(certified), 10)
    return math.max(0, math.min(11, digits))
end

function problems.set(problem, file)
    return data.set {x = problem.x and problem.x(file.x) or file.x, y = file.y}
end

-- The network with the weights that these parameters are.
function problems.begin(problem, b)
    local net = problem.net()
    net:params():reshape(-1):copy_(tensor(problem.weights(b), {dtype = "f64"}))
    return net
end

function problems.parameters(problem, net)
    return problem.parameters(net:params():totable())
end

-- Standard errors of the parameters from the covariance of the weights that learned: gᵀ C g, g by
-- central differences of the transform.
function problems.errors(problem, net, errors)
    local w, at = net:params():totable(), {}
    for _, place in ipairs(errors.places) do at[#at + 1] = place end
    local slopes = {}
    for i, place in ipairs(at) do
        local h = 1e-5 * (w[place] ~= 0 and math.abs(w[place]) or 1)
        local up, down = {table.unpack(w)}, {table.unpack(w)}
        up[place], down[place] = w[place] + h, w[place] - h
        local more, less = problem.parameters(up), problem.parameters(down)
        for k = 1, #more do
            slopes[k] = slopes[k] or {}
            slopes[k][i] = (more[k] - less[k]) / (up[place] - down[place])
        end
    end
    local found = {}
    for k = 1, #slopes do
        local g = tensor(slopes[k], {dtype = "f64"})
        found[k] = math.sqrt(g:dot(errors.covariance:matmul(g)):item())
    end
    return found
end

return problems
