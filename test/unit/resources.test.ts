import { beforeAll, expect, test } from "vitest";
import { expectGolden } from "./golden.ts";
import { runProgram, type Registered } from "./program.ts";
import { USUAL_STEPS } from "../usual-steps.ts";

const COMMAND = "command:remote:Command";

let registered: Registered[];

beforeAll(async () => {
    ({ registered } = await runProgram());
});

test("docs/resources.md shows the resources of a stack, whose names are part of every user's state", async () => {
    const proxy = registered.find(({ type }) => type === "linkmesh-proxy:index:LinkMeshProxy")!;
    const tree = [`    ${label(proxy)}`, ...branches(proxy).map((line) => `    ${line}`)];
    expect(tree).toHaveLength(registered.length);
    const text = [
        "# Resources of a stack",
        "",
        "What `pulumi up` creates with the default settings, by type and name. Names are those of the program; in another program they begin",
        "with the name of the component. Settings add resources, such as the records of a second name, or leave them out.",
        "",
        ...tree,
        "",
    ];
    await expectGolden(text.join("\n"), "../../docs/resources.md");
});

/** What is below a resource, as `pulumi preview` draws it, in an order that does not depend on the engine. */
function branches({ urn }: Registered): string[] {
    const children = registered.filter(({ parent }) => parent.endsWith(urn.split("::").slice(2).join("::")));
    const ordered = children.sort((a, b) => (key(a) < key(b) ? -1 : 1));
    return ordered.flatMap((child, index) => {
        const isLast = index === ordered.length - 1;
        return [
            `${isLast ? "└─" : "├─"} ${label(child)}`,
            ...branches(child).map((line) => `${isLast ? "   " : "│  "}${line}`),
        ];
    });
}

/** Components first, then single resources, then the steps in the order in which they run. */
function key({ type, name }: Registered): string {
    if (type === COMMAND) return `3 ${String(USUAL_STEPS.indexOf(name.replace("linkmesh-", ""))).padStart(2, "0")}`;
    return `${type.startsWith("linkmesh-proxy:") ? 1 : 2} ${name}`;
}

function label({ type, name }: Registered): string {
    return `${type.replace(/\/\w+:/, ":")}  ${name}`;
}
