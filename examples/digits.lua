-- A network of sigmoid neurons learns handwritten digits and says what it sees.
--
--     nabla examples/digits.lua        trains, shows, ends
--     nabla -i examples/digits.lua     leaves the prompt open with `net` and `digits` there

digits = data.digits()
net = nn.net "64 - 30 - 10"

print(digits)
print(net)

-- The book's algorithm: mini-batches of ten, learning rate η = 3.
local history = net:train(digits.train, {epochs = 30, batch = 10, lr = 3.0, test = digits.test})
local result = net:evaluate(digits.test)
print(("\nlearned in %.2f s · right on %d of %d test digits, %.1f %%\n"):format(
    history.seconds, result.correct, result.examples, 100 * result.accuracy))

-- ---- What it sees ----

local WIDTH = 18 -- columns that a picture and its gap take

local said = net:classify(digits.test)

local function padded(text)
    return text .. (" "):rep(WIDTH - utf8.len(text))
end

-- A picture and what the network says, as lines of one width.
local function describe(i)
    local digit, lines = digits.test[i], {}
    for line in (plot.image(digit.x, {text = true, scale = 1}) .. "\n"):gmatch "(.-)\n" do
        lines[#lines + 1] = padded(line)
    end
    lines[#lines + 1] = padded(("says %d at %.2f"):format(said[i], net(digit.x):max():item()))
    lines[#lines + 1] = padded(said[i] == digit.y and "" or ("but it is a %d"):format(digit.y))
    return lines
end

local function show(examples)
    local pictures = {}
    for place, i in ipairs(examples) do pictures[place] = describe(i) end
    for line = 1, #pictures[1] do
        local parts = {}
        for place, picture in ipairs(pictures) do parts[place] = picture[line] end
        print((table.concat(parts):gsub(" +$", "")))
    end
end

-- Of each kind the first that it reads right, and at the end one that it does not.
local right, wrong = {}, nil
for i, digit in ipairs(digits.test) do
    if said[i] ~= digit.y then wrong = wrong or i
    else right[digit.y] = right[digit.y] or i end
end

show {right[0], right[1], right[2], right[3]}
show {right[4], right[5], right[6], wrong or right[7]}
