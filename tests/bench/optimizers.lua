-- Optimizers on 16 million parameters beside PyTorch's, and how soon a training is under way.

local optimizers = {names = {"sgd", "adam", "nadam", "rmsprop", "adadelta"}}

-- The two ways that PyTorch has for it are both there: which is faster depends on the machine.
function optimizers.children(has, program, python, here, name)
    local children = {}
    for threads = 1, 2 do
        local function called(who) return threads == 2 and who .. ", 2 threads" or who end
        children[#children + 1] = {name = called "nabla", ours = true,
            command = {program, here .. "/nabla_optimizer.lua", name, threads}}
        for _, way in ipairs(has.torch and {"loop", "foreach"} or {}) do
            children[#children + 1] = {name = called("PyTorch, " .. way), times = 1,
                threads = threads,
                command = {python, here .. "/torch_optimizer.py", name, way}}
        end
    end
    return children
end

return optimizers
