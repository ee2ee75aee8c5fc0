-- A network reads a text letter by letter, and then writes in its manner.
--
--     nabla examples/char_rnn.lua [ROWS]            learns from short tales, which the script makes up
--     nabla examples/char_rnn.lua FILE [ROWS]       … from any text in UTF-8
--     nabla -i examples/char_rnn.lua                … and leaves you with net and generate
--
-- An lstm has nothing but its memory: all that it knows of what it has read stands in its 96 cells.
-- It learns to spell in seconds, then whole sentences and whom "she" means, and at last sums, for
-- which it must keep two numbers while it writes. The same tales in the hands of a transformer:
-- char_transformer.lua.

local STEPS, TEMPERATURE = 128, 0.7
local here = debug.getinfo(1, "S").source:match "^@(.*/)" or ""
local tales = dofile(here .. "tales.lua")
local given = arg or {}
local file = not tonumber(given[1]) and given[1]
local rows = math.tointeger(tonumber(file and given[2] or given[1])) or 40000

nabla.seed(1)

-- Rows of 128 characters, half of which the next row holds too; y is the letter behind each of
-- them. The last tenth of the text is kept back, to judge by. The vocabulary is the text's own.
local path = file or os.tmpname()
if not file then
    local f <close> = assert(io.open(path, "w"))
    f:write(tales.text(2500))
end
set = data.text(path, {steps = STEPS, stride = STEPS // 2, valid = 0.1})
if not file then os.remove(path) end
print(set)

-- Of a long text a part must do; a short one is read until that makes nothing better.
local train = set.train:shuffle(1):take(math.min(rows, #set.train))
local valid = set.valid:take(math.min(200, #set.valid))

net = nn.net(("* - embedding %d 32 - lstm 96 - %d softmax : cross_entropy"):format(#set.words, #set.words),
    {seed = 1})

-- The cost is a logarithm of what it gave the letter that came; in bits it is what one letter costs
-- to tell to somebody who has the network.
local function bits(cost)
    return cost / math.log(2)
end

-- Text that goes on behind `start`: at every letter the stream says how likely each is to follow,
-- and one is drawn. A temperature below 1 takes what is likely more often than it is.
function generate(start, count, temperature)
    local stream, written = net:stream(), {}
    local p = stream(start)[-1]
    for i = 1, count do
        written[i] = (p ^ (1 / (temperature or TEMPERATURE))):multinomial(1):item()
        p = stream(written[i])
    end
    return start .. net:decode(written)
end

-- ---- Learning ----

local before = bits(net:cost(valid))
print(("%.2f bits a character before it has read anything"):format(before))

-- What it is to go on with: a sum, or what the end of the text begins with.
local start = file and set:decode(valid[1].x[{ {1, 20} }]) or "Ben has four coins. Anna gives him "
net:train(train, {
    epochs = math.max(1, rows // #train), batch = 16,
    optimizer = nn.adam {lr = 0.01}, schedule = "cosine",
    clip = 1, valid = valid, patience = 6, seed = 1, progress = false,
    on_epoch = function(e)
        local line = generate(start, 30):gsub("\n.*", "")
        print(("epoch %2d · %.2f bits · %s"):format(e.epoch, bits(e.valid_cost), line))
    end,
})

local after = bits(net:cost(valid))
print(("\n%.2f bits a character, of %.2f; the same seed writes this again:\n")
      :format(after, before))
print(generate(start, 400))

if not file then
    local lines, built, people, sums = tales.judge(generate("\n", 4000))
    print(("\nof %d tales %d are well built, %d speak of their people rightly; %d sums are right"):format(
        lines, built, people, sums))
    assert(rows < 1500 or after < 0.2 * before, "it has learned")
end
