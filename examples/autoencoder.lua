-- An autoencoder squeezes 8x8 digits through 12 numbers and draws them again: convolutions down,
-- transposed ones up.
--
--     nabla examples/autoencoder.lua [EPOCHS]

local epochs = tonumber(arg[1] or 60)
if not epochs then
    io.stderr:write "usage: nabla examples/autoencoder.lua [EPOCHS]\n"
    os.exit(2)
end

digits = data.digits()

-- What goes in is what is to come out. Pixels are from 0 to 1.
local function pictures(set)
    return data.set {x = set.x, y = set.x}
end

local train, test = pictures(digits.train), pictures(digits.test)
net = nn.net [==[64 - reshape 1x8x8
    - conv 8 3 relu stride=2 padding=1 - conv 16 3 relu stride=2 padding=1
    - flatten - 12 tanh name=code - 64 relu - reshape 16x2x2
    - conv_transpose 8 4 relu stride=2 padding=1 - conv_transpose 1 4 stride=2 padding=1
    - flatten : mse]==]
print(net)

local function shown(x) return plot.image(x, {text = true, scale = 1}) end

local WIDTH <const> = 19 -- columns that a picture and its gap take

-- Pictures beside one another, line by line.
local function beside(list)
    local lines = {}
    for place, picture in ipairs(list) do
        local row = 0
        for line in (picture .. "\n"):gmatch "(.-)\n" do
            row = row + 1
            local gap = place < #list and (" "):rep(WIDTH - utf8.len(line)) or ""
            lines[row] = (lines[row] or "") .. line .. gap
        end
    end
    return table.concat(lines, "\n")
end

local SHOWN <const> = 4
local function compare(title)
    local into, out = {}, {}
    for i = 1, SHOWN do
        into[i] = shown(test.x[i]:reshape(8, 8))
        out[i] = shown(net(test.x[i]):reshape(8, 8))
    end
    print(("\n%s: %d digits, and below what comes out"):format(title, SHOWN))
    print(beside(into))
    print(beside(out))
end

compare "before"
local before = net:cost(test.x, test.y)
local history = net:train(train, {epochs = epochs, batch = 32, optimizer = nn.adam {lr = 3e-3},
    progress = false})
compare "after"

-- What a picture costs that is everywhere the mean of all.
local mean = train.x:mean(1)
local blind = ((test.x - mean) ^ 2):mean():item()
local after = net:cost(test.x, test.y)
print(("\n%d epochs in %.1f s · squared error %.4f, before %.4f, of the mean picture %.4f"):format(
    history.epochs, history.seconds, after, before, blind))
print(("12 numbers for 64 leave %.0f %% of what the mean picture misses"):format(
    100 * after / blind))
