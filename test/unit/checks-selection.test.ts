import { expect, test } from "vitest";
import { forSelection } from "../../checks/selection.ts";
import { MEND } from "../../doctor/finding.ts";

test.each<[string, string]>([
    [
        MEND,
        "pulumi up --stack prod --cwd '/srv/my project' --replace '**linkmesh-proxy:index:LinkMeshProxy$command:remote:Command::**'",
    ],
    [
        "`pulumi stack output dnsRecords` lists them",
        "`pulumi stack output --stack prod --cwd '/srv/my project' dnsRecords` lists them",
    ],
    ["`npm run doctor -- --stack` names it", "`npm run doctor -- --stack prod --cwd '/srv/my project'` names it"],
    ["`pulumi stack ls` lists them", "`pulumi stack ls` lists them"],
    ["on the machine: sudo nginx -t", "on the machine: sudo nginx -t"],
])("%s: for a stack and a project that were named", (text, selected) => {
    expect(forSelection(text, { stack: "prod", cwd: "/srv/my project" })).toBe(selected);
    expect(forSelection(text, {})).toBe(text);
});

test("with the selected stack of another project, only the directory is named", () => {
    expect(forSelection("run pulumi up; `npm run doctor -- --stack`", { cwd: "../fleet" })).toBe(
        "run pulumi up --cwd ../fleet; `npm run doctor -- --stack --cwd ../fleet`",
    );
});
