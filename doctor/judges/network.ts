import { fail, ok } from "../../checks/types.ts";
import { MEND, orOk, type Judge } from "../finding.ts";

interface Listener {
    address: string;
    port: string;
    /** Names and ids of its processes. */
    programs: [name: string, pid: string][];
}

export const judgeListeners: Judge = (facts) => {
    const all = facts.rows("listeners", "listens").map(readListener);
    const linkmesh = new Set(facts.rows("listeners", "linkmesh").map(([pid]) => pid));
    const isOf = (who: string, { programs }: Listener) =>
        programs.some(([name, pid]) => (who === "nginx" ? name === "nginx" : linkmesh.has(pid)));
    const wanted = facts.rows("listeners", "wanted", 2) as [who: string, where: string][];
    if (!wanted.some(([who]) => who === "nginx"))
        return [fail("nginx has no configuration of linkmesh-proxy", `set it up again: ${MEND}`)];

    const missing = (who: string) =>
        wanted
            .filter(([one]) => one === who)
            .map(([, where]) => where)
            .filter((where) => !all.some((one) => `${one.address}:${one.port}`.endsWith(where) && isOf(who, one)));
    const [nginx, others] = [missing("nginx"), missing("linkmesh").map((where) => where.slice(1))];
    const foreign = facts.rows("listeners", "ports").flatMap(([who, ...ports]) =>
        all
            .filter((one) => ports.includes(one.port) && one.programs.length > 0 && !isOf(who!, one))
            // LinkMesh has its package's port until the step config has run.
            .filter((one) => !isOf("linkmesh", one))
            .map(({ programs: [first], address, port }) =>
                fail(
                    `${first![0]} (process ${first![1]}) listens on ${address}:${port}, which belongs to ${who === "nginx" ? who : "LinkMesh"}`,
                    `on the machine: stop it, then ${MEND}`,
                ),
            ),
    );
    const ports = [...new Set(wanted.map(([, where]) => where.split(":").at(-1)))];
    return orOk(
        [
            ...foreign,
            ...(nginx.length > 0
                ? [
                      fail(
                          `nginx does not listen on ${nginx.join(", ")}`,
                          "on the machine: systemctl status nginx; sudo nginx -t",
                      ),
                  ]
                : []),
            ...(others.length > 0
                ? [
                      fail(
                          `LinkMesh does not listen on ${others.join(", ")}`,
                          "on the machine: sudo journalctl -u linkmesh-server",
                      ),
                  ]
                : []),
        ],
        ok(`nginx and LinkMesh have their ports ${ports.join(", ")}`),
    );
};

function readListener([local = "", users = ""]: string[]): Listener {
    const end = local.lastIndexOf(":");
    const programs = [...users.matchAll(/\("([^"]+)",pid=(\d+)/g)].map(([, name, pid]) => [name!, pid!] as const);
    return {
        address: local.slice(0, end),
        port: local.slice(end + 1),
        programs: programs.map(([name, pid]) => [name, pid]),
    };
}

export const judgeKernel: Judge = (facts) => {
    const wrong = facts
        .parts("kernel", 3, "\t")
        .map(([key, wanted, found]) =>
            fail(`${key} is ${found} instead of ${wanted}`, "on the machine: sudo sysctl --system"),
        );
    return orOk(wrong, ok("its settings are those of the file"));
};
