-- Two classes on two arms of a spiral, which no line parts, and how a network draws its boundary
-- between them while it learns.
--
--     nabla examples/spirals.lua [EPOCHS [FRAMES]]      300 epochs, 60 frames
--
-- Each place of the picture shows what the network says of that place of the plane: dark is class
-- 1, light class 2; between the two it does not know. The darkest and the lightest are the
-- examples. On a terminal the picture moves; elsewhere a few of its frames stand one below the
-- other.

local epochs, frames = math.tointeger(tonumber(arg[1] or 300)), tonumber(arg[2] or 60)
if not epochs or epochs < 1 or not frames or frames < 1 then
    io.stderr:write "usage: nabla examples/spirals.lua [EPOCHS [FRAMES]]\n"
    os.exit(2)
end

set = data.spirals(400, {seed = 1})
net = nn.net("2 - 24 tanh - 24 tanh - 2 softmax : cross_entropy", {seed = 1})

local SIDE <const>, EDGE <const> = 32, 1.1 -- places along each axis, and how far the picture goes
local moves = os.execute "test -t 1"

-- All places of the picture, row after row: (SIDE², 2).
local axis = tensor.linspace(-EDGE, EDGE, SIDE)
local places = tensor.stack({axis:reshape(1, SIDE):expand(SIDE, SIDE),
    axis:reshape(SIDE, 1):expand(SIDE, SIDE)}, 3):reshape(-1, 2)

-- Where examples lie: 0 and 1, their class; elsewhere -1.
local examples = tensor.zeros(SIDE, SIDE) - 1
local at = ((set.x + EDGE) / (2 * EDGE) * (SIDE - 1)):round():to "i32" + 1
for i = 1, #set do examples[{at[{i, 2}], at[{i, 1}]}] = set.y[i] - 1 end

local function picture()
    local second = net(places):select(2, 2):reshape(SIDE, SIDE) -- how sure it is of class 2
    return tensor.where(examples:ge(0), examples, 0.25 + 0.5 * second)
end

-- On a terminal each frame is drawn over the one before, from the window's first line.
local function draw(now)
    if moves then io.write(now.epoch == 1 and "\27[2J\27[H" or "\27[H") end
    print(("epoch %d · cost %.4f"):format(now.epoch, now.cost))
    plot.image(picture(), {low = 0, high = 1})
    io.write(moves and "\27[J" or "\n")
    io.flush()
end

-- On a terminal a frame every so many epochs; else the first, the last and three between, each
-- at some three times the epoch of the one before.
local next_frame = 1
local function report(now)
    if now.epoch < next_frame and now.epoch < epochs then return end
    draw(now)
    next_frame = moves and now.epoch + epochs / frames or now.epoch * (epochs ^ 0.25)
end

history = net:train(set, {epochs = epochs, batch = 20, optimizer = "adam", lr = 0.01, seed = 1,
    on_epoch = report, progress = false})
print(("%.1f %% of the examples lie on their side"):format(100 * net:evaluate(set).accuracy))
