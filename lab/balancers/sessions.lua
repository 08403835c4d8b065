-- Ends sessions as AWS does where HAProxy would let them go on. A process from before a reload keeps its sessions, but checks no
-- target any more, and nobody tells it which targets are gone.
-- Arguments: the backends whose sessions end when a target becomes unhealthy.
-- deregistered has a line for each target whose sessions end: backend, server, seconds since 1970. The lab writes it.
-- unhealthy has a line for each unhealthy target. The process of the last reload writes it for those before it.
local DEREGISTERED, UNHEALTHY = "/lab/deregistered", "/lab/unhealthy"
local ends_unhealthy = {}
for _, name in ipairs({ ... }) do
    ends_unhealthy[name] = true
end
local written

local function finish(backend, name)
    local server = backend and backend.servers[name]
    if server then
        server:shut_sess()
    end
end

local function lines(file)
    local stream = io.open(file)
    local text = stream and stream:read("a") or ""
    if stream then
        stream:close()
    end
    return text:gmatch("[^\n]+")
end

local function finish_deregistered()
    for line in lines(DEREGISTERED) do
        local backend, name, time = line:match("^(%S+) (%S+) (%d+)$")
        if tonumber(time) <= core.now().sec then
            finish(core.backends[backend], name)
            finish(core.backends[backend .. "_all"], name)
        end
    end
end

local function finish_unhealthy()
    for line in lines(UNHEALTHY) do
        local backend, name = line:match("^(%S+) (%S+)$")
        if ends_unhealthy[backend] then
            finish(core.backends[backend], name)
        end
    end
end

local function tell_unhealthy()
    local found = {}
    for backend, _ in pairs(ends_unhealthy) do
        for name, server in pairs(core.backends[backend].servers) do
            if server:get_stats().status:find("^DOWN") then
                found[#found + 1] = backend .. " " .. name .. "\n"
            end
        end
    end
    table.sort(found)
    local text = table.concat(found)
    if text == written then
        return
    end
    local stream = io.open(UNHEALTHY .. ".new", "w")
    stream:write(text)
    stream:close()
    os.rename(UNHEALTHY .. ".new", UNHEALTHY)
    written = text
end

core.register_task(function()
    while true do
        finish_deregistered()
        if core.get_info().Stopping == 0 then
            tell_unhealthy()
        else
            finish_unhealthy()
        end
        core.sleep(1)
    end
end)
