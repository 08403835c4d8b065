import { expect, it } from "vitest";
import { LabError, labAt } from "../../lab/lab.ts";
import { renderZone } from "../../lab/services/zone.ts";

const lab = labAt(0);
const record = (name: string) => ({ name, type: "A" as const, ttl: 60, values: ["10.77.129.1"] });

it.each(["acme.example.test", "corp-ca.example.test"])("%s is one of the lab's own servers, and no user's", (name) => {
    expect(renderZone(lab, [])).toContain(`${name}. 60 A ${lab.net.acme}\n`);
    expect(() => renderZone(lab, [record(name)])).toThrow(LabError);
});

it("a name of the user's is answered", () => {
    expect(renderZone(lab, [record("linkmesh.example.test")])).toContain("linkmesh.example.test. 60 A 10.77.129.1\n");
});
