-- What nabla's children of the benchmark share: the talk with bench.lua.

local child = {}

-- Trains `net` for one epoch to warm up, then for one for every line that says so; at the end
-- says the share of the test images that come out right.
function child.serve(net, mnist, options)
    options.epochs, options.progress = 1, false
    net:train(mnist.train, options)
    print("ready")
    io.stdout:flush()
    while io.read() == "epoch" do
        print(("%.9f"):format(net:train(mnist.train, options).seconds))
        io.stdout:flush()
    end
    print(net:evaluate(mnist.test).accuracy)
end

return child
