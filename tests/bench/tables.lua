-- Reading data: tables of text beside Python's csv and NumPy, and rows that stay in their file
-- beside those in memory.

local tables = {}

local ROWS <const>, COLUMNS <const> = 200000, 10

-- A table of numbers with six digits behind the point and a class, about 19 MB.
function tables.write(scratch)
    local path, names = scratch .. "/table.csv", {}
    local file = assert(io.open(path, "w"))
    for k = 1, COLUMNS do names[k] = "c" .. k end
    file:write(table.concat(names, ","), ",kind\n")
    local x = tensor.randn(ROWS, COLUMNS, {seed = 1}):totable()
    local row = ("%.6f,"):rep(COLUMNS)
    for i = 1, ROWS do file:write(row:format(table.unpack(x[i])), "kind ", i % 5, "\n") end
    file:close()
    return path
end

-- MNIST's files unpacked, and its images as .npy too.
function tables.unpack_mnist(mnist, scratch)
    local folder = scratch .. "/mnist"
    os.execute(("mkdir '%s'"):format(folder))
    for _, name in ipairs {"train-images-idx3", "train-labels-idx1", "t10k-images-idx3",
        "t10k-labels-idx1"} do
        local from, to = ("%s/%s-ubyte"):format(mnist, name), ("%s/%s-ubyte"):format(folder, name)
        local command = "cat '%s' 2>/dev/null > '%s' || gzip -dc '%s.gz' > '%s'"
        os.execute(command:format(from, to, from, to))
    end
    local images = data.idx(folder .. "/train-images-idx3-ubyte")
    images:reshape(#images, -1):save(folder .. "/images.npy")
    return folder
end

function tables.csv_children(has, program, python, here, path)
    local command = {program, here .. "/nabla_csv.lua", path}
    local children = { {name = "nabla", ours = true, command = command} }
    if has.numpy then
        for _, how in ipairs { {"Python's csv, float", "csv"}, {"NumPy, loadtxt", "loadtxt"} } do
            children[#children + 1] =
                {name = how[1], times = 5, command = {python, here .. "/read_csv.py", path, how[2]}}
        end
    end
    return children
end

function tables.rows_children(program, here, folder)
    local children = {}
    for i, how in ipairs {"memory", "idx", "npy"} do
        children[i] = {name = i == 1 and "from memory" or ("from an .%s file"):format(how),
            ours = i == 1, most = 1.1, command = {program, here .. "/nabla_rows.lua", folder, how}}
    end
    return children
end

return tables
