import { expect, test } from "vitest";
import { Machine } from "./step.ts";

const F = "/etc/linkmesh/f";

test("a new file is whole, root's, with its mode; the same text changes nothing", () => {
    const machine = new Machine({ step: "ready", machine: { [F]: "old\n" } });
    const main = `install_file ${F} 0600 <<<new; echo "changed=$CHANGED"`;
    expect(machine.run({ main }).stdout).toBe("changed=yes\n");
    expect([machine.read(F), machine.mode(F)]).toEqual(["new\n", "600"]);
    const inode = machine.sh(`stat -c %i ${F}`);
    expect(machine.run({ main }).stdout).toBe("changed=\n");
    expect(machine.sh(`stat -c %i ${F}`)).toBe(inode);
});

test.each<[string, string]>([
    ["fail", "fail 'no luck'"],
    ["a command", "false"],
    ["a variable without a value", 'local x; echo "$x"'],
    ["its time limit", "kill -TERM $$; true"],
    ["a connection that is gone", "kill -PIPE $$; true"],
    ["a function whose failure a condition hides", "if fail hidden; then true; fi"],
    ["a function whose failure a pipe hides", "fail hidden | true"],
    ["a function whose failure `|| true` hides", "(fail hidden) || true"],
    ["a function whose failure <(…) hides", "cat < <(fail hidden)"],
    ["a function whose failure $(…) hides", 'echo "$(fail hidden)"'],
    ["a full disk", `install_file /dev/full/x <<<a || true`],
])("a step that ends by %s fails with one error, and leaves what was there", (_, end) => {
    const machine = new Machine({
        step: "ready",
        machine: {
            [F]: "old\n",
            "/etc/linkmesh/link": { link: "f" },
            "/etc/linkmesh/current": { link: "one" },
            "/etc/linkmesh/gone": "x\n",
        },
    });
    const before = machine.files();
    const ran = machine.run({
        main: `install_file ${F} <<<new
            install_file ${F} 0600 <<<newer
            install_file /etc/linkmesh/fresh <<<new
            remove_file /etc/linkmesh/gone
            remove_file /etc/linkmesh/link
            make_current /etc/linkmesh two
            record /srv/happened <<<yes
            ${end}`,
    });
    expect(ran.status).not.toBe(0);
    expect(ran.errors, ran.stderr).toHaveLength(1);
    expect(machine.mode(F)).toBe("644");
    expect(machine.files()).toEqual({ ...before, "/srv/happened": "yes\n" });
    expect(ran.left).toBe("");
});

test("a step that fails keeps what was committed", () => {
    const machine = new Machine({ step: "ready", machine: { [F]: "old\n" } });
    machine.run({ main: `install_file ${F} <<<first; commit; install_file ${F} <<<second; fail no` });
    expect(machine.read(F)).toBe("first\n");
});

test("a step that fails puts all files back before it runs again what had read the new ones, and nothing else", () => {
    const machine = new Machine({
        step: "ready",
        machine: { [F]: "old\n" },
        stubs: { reader: `cat ${F} >>/stub/calls`, other: "true" },
    });
    const ran = machine.run({ main: `apply reader; install_file ${F} <<<new; apply reader; fail no; apply other` });
    expect(ran.calls).toEqual(["reader ", "old", "reader ", "new", "reader ", "old"]);
});

test("a step warns about what it cannot put back", () => {
    const ran = new Machine({ step: "ready" }).run({ main: `on_failure rmdir /nowhere; fail no` });
    expect(ran.stdout).toBe(
        "warning: the step ready could not undo what it had begun (rmdir /nowhere failed): look at the machine.\n",
    );
    expect(ran.errors).toEqual(["error: no"]);
});

test("a line that is too long for the provider is cut, and bytes that are not UTF-8 become question marks", () => {
    const machine = new Machine({ step: "ready" });
    const long = "head -c 70000 /dev/zero | tr '\\0' x";
    const ran = machine.run({
        main: `${long}; echo; printf 'a\\377b\\n'; { printf é%.0s {1..2100}; echo; } >&2; ${long} >&2; fail "$(${long})"`,
    });
    expect(ran.stdout).toBe(`${"x".repeat(2000)} …\na?b\n`);
    expect(ran.stderr.split("\n").map(({ length }) => length)).toEqual([2002, 2002, 0]);
    expect(ran.stderr).toMatch(/^é{2000} …\nx{2000} …\n$/);
    expect(ran.status).toBe(1);
});

test("a step ends after all of its output is out", () => {
    const machine = new Machine({ step: "ready" });
    const perl = '/bin/sleep 0.5; exec /usr/bin/perl "$@"';
    machine.run({ prefix: `bash -c '"$0" "$@" >/stub/out 2>&1'`, stubs: { perl }, main: "echo said" });
    expect(machine.read("/stub/out")).toBe("said\n");
});
