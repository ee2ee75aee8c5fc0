-- A small transformer reads a text letter by letter, and then writes in its manner.
--
--     nabla examples/char_transformer.lua [ROWS]        learns from short tales, which the script makes up
--     nabla examples/char_transformer.lua FILE [ROWS]   … from any text in UTF-8
--     nabla -i examples/char_transformer.lua            … and leaves you with net and generate
--
-- Where the lstm of char_rnn.lua must remember, attention looks back: each of four heads chooses by
-- itself which of the letters before it reads. So the two numbers of a tale can be found when their
-- sum is due.

local STEPS, TEMPERATURE = 128, 0.7
local here = debug.getinfo(1, "S").source:match "^@(.*/)" or ""
local tales = dofile(here .. "tales.lua")
local given = arg or {}
local file = not tonumber(given[1]) and given[1]
local rows = math.tointeger(tonumber(file and given[2] or given[1])) or 16000

nabla.seed(1)

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

-- Two blocks of attention and of a hidden layer, each added to what comes in.
net = nn.net(([==[
    * - embedding %d 64 - positions
      - 2*[residual[layer_norm - attention 4 causal] - residual[layer_norm - 256 gelu - 64 linear]]
      - layer_norm - %d softmax : cross_entropy]==]):format(#set.words, #set.words), {seed = 1})
print(net)

local function bits(cost)
    return cost / math.log(2)
end

-- Text that goes on behind `start`, a letter drawn from what the stream expects. It knows no more
-- positions than a row had; there it begins anew with the latter half of what it wrote.
function generate(start, count, temperature)
    local stream, written = net:stream(), {}
    local p, read = stream(start)[-1], utf8.len(start) or #start
    for i = 1, count do
        written[i] = (p ^ (1 / (temperature or TEMPERATURE))):multinomial(1):item()
        if read < STEPS then
            p, read = stream(written[i]), read + 1
        else
            stream:reset()
            p, read = stream(table.move(written, math.max(1, i - STEPS // 2 + 1), i, 1, {}))[-1], STEPS // 2
        end
    end
    return start .. net:decode(written)
end

-- ---- Learning ----

local before = bits(net:cost(valid))
print(("%.2f bits a character before it has read anything"):format(before))

-- What it is to go on with: a sum, or what the end of the text begins with.
local start = file and set:decode(valid[1].x[{ {1, 20} }]) or "Ben has four coins. Anna gives him "
net:train(train, {
    epochs = math.max(1, rows // #train), batch = 16, optimizer = nn.adam {lr = 0.004}, clip = 1,
    valid = valid, patience = 6, seed = 1, progress = false,
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
