import { expect, it } from "vitest";
import { LabError, labAt } from "../../lab/lab.ts";
import { renderZone } from "../../lab/services/zone.ts";

const lab = labAt(0);
const record = (name: string) => ({ name, type: "A" as const, ttl: 60, values: ["10.77.129.1"] });

it.each(["acme.example.test", "corp-ca.example.test"])(
    "%s belongs to the lab's own servers, so a user's record cannot have it",
    (name) => {
        expect(renderZone(lab, [])).toContain(`${name}. 60 A ${lab.net.acme}\n`);
        expect(() => renderZone(lab, [record(name)])).toThrow(LabError);
    },
);

it("storage.example.test leads to the user's own database, and is no name for a record", () => {
    expect(renderZone(lab, [])).toContain(`storage.example.test. 60 A ${lab.net.storage}\n`);
    expect(() => renderZone(lab, [record("storage.example.test")])).toThrow(LabError);
});

it("the zone has a user's name", () => {
    expect(renderZone(lab, [record("linkmesh.example.test")])).toContain("linkmesh.example.test. 60 A 10.77.129.1\n");
});
