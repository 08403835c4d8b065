import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { SCRIPTS, SOURCE_FUNCTIONS } from "../scripts/files.ts";

// The step `reachable` with a dig that knows the records of a few servers: SERVER OWNER TYPE VALUE. A resolver has NS
// records alone, and a server tells all that it has of a name, as far as its own records lead.

const folder = mkdtempSync(join(tmpdir(), "reachable-"));
afterAll(() => rmSync(folder, { recursive: true }));

const DIG = `dig() {
    local server=resolver type='' name='' word value
    for word; do
        case $word in
        +*) ;;
        @*) server=\${word#@} ;;
        *) if [ -z "$type" ]; then type=$word; else name=$word; fi ;;
        esac
    done
    for _ in 1 2 3 4; do
        awk -v s="$server" -v n="$name." -v t="$type" '$1 == s && tolower($2) == tolower(n) && $3 == t { $1 = ""; sub(/^ /, ""); sub(/ /, " 60 IN "); print }' "${folder}/dns"
        value=$(awk -v s="$server" -v n="$name." '$1 == s && $2 == n && $3 == "CNAME" { print $4 }' "${folder}/dns")
        [ -n "$value" ] || break
        echo "$name. 60 IN CNAME $value"
        name=\${value%.}
    done
}`;

/** What the step finds when it looks once: nothing, or what is missing. */
function look(dns: readonly string[], { records = ["l.example.com A 192.0.2.1"], zone = "" } = {}) {
    writeFileSync(join(folder, "dns"), dns.map((line) => `${line}\n`).join(""));
    writeFileSync(join(folder, "records"), records.map((line) => `${line}\n`).join(""));
    const script = `${SOURCE_FUNCTIONS}; source ./reachable.sh; set +e; trap - ERR
        ${DIG}
        FILES=${folder} WORK=${folder} ZONE=${zone} NAME_SERVERS=''
        if [ -n "$ZONE" ]; then zone_is_delegated; fi
        if records_are_published; then echo found; else echo "$PROBLEM"; fi`;
    const run = spawnSync("bash", ["-c", script], { cwd: SCRIPTS, encoding: "utf8" });
    expect(run.stderr).toBe("");
    return run.stdout.trim();
}

const ZONES = ["resolver example.com. NS ns1.example.com.", "resolver example.net. NS ns1.example.net."];

describe("the records of the names", () => {
    test.each<[string, string[], string]>([
        ["are there", ["ns1.example.com. l.example.com. A 192.0.2.1"], "found"],
        ["are there, in capitals", ["ns1.example.com. L.Example.com. A 192.0.2.1"], "found"],
        [
            "lead elsewhere",
            ["ns1.example.com. l.example.com. A 192.0.2.9"],
            "ns1.example.com says 192.0.2.9 for l.example.com instead of A 192.0.2.1",
        ],
        ["are missing", [], "ns1.example.com says nothing for l.example.com instead of A 192.0.2.1"],
        [
            "are missing at one server",
            ["resolver example.com. NS ns2.example.com.", "ns1.example.com. l.example.com. A 192.0.2.1"],
            "ns2.example.com says nothing for l.example.com instead of A 192.0.2.1",
        ],
        [
            "are an alias in another zone",
            ["ns1.example.com. l.example.com. CNAME lb.example.net.", "ns1.example.net. lb.example.net. A 192.0.2.1"],
            "found",
        ],
        [
            "are an alias whose target is missing",
            ["ns1.example.com. l.example.com. CNAME lb.example.net."],
            "ns1.example.net says nothing for lb.example.net (where l.example.com leads by CNAME) instead of A 192.0.2.1",
        ],
        [
            "are an alias and its target in one answer",
            ["ns1.example.com. l.example.com. CNAME lb.example.com.", "ns1.example.com. lb.example.com. A 192.0.2.1"],
            "found",
        ],
        [
            "are an alias whose target's zone says otherwise than the answer",
            [
                "ns1.example.com. l.example.com. CNAME lb.example.net.",
                "ns1.example.com. lb.example.net. A 192.0.2.1",
                "ns1.example.net. lb.example.net. A 192.0.2.9",
            ],
            "ns1.example.net says 192.0.2.9 for lb.example.net (where l.example.com leads by CNAME) instead of A 192.0.2.1",
        ],
        [
            "are an alias that the resolver follows when it is asked for name servers",
            [
                "resolver l.example.com. CNAME example.net.",
                "ns1.example.com. l.example.com. CNAME example.net.",
                "ns1.example.net. example.net. A 192.0.2.1",
            ],
            "found",
        ],
        [
            "are a chain of aliases",
            [
                "ns1.example.com. l.example.com. CNAME A.example.net.",
                "ns1.example.net. a.example.net. CNAME b.example.com.",
                "ns1.example.com. b.example.com. CNAME c.example.net.",
                "ns1.example.net. c.example.net. A 192.0.2.1",
            ],
            "found",
        ],
        [
            "are an alias at one server and the records at another",
            [
                "resolver example.com. NS ns2.example.com.",
                "ns1.example.com. l.example.com. CNAME lb.example.net.",
                "ns2.example.com. l.example.com. A 192.0.2.1",
                "ns1.example.net. lb.example.net. A 192.0.2.1",
            ],
            "found",
        ],
        [
            "are a circle",
            [
                "ns1.example.com. l.example.com. CNAME a.example.net.",
                "ns1.example.net. a.example.net. CNAME l.example.com.",
            ],
            "the CNAME records of l.example.com lead in a circle, by way of l.example.com, instead of to A 192.0.2.1",
        ],
        [
            "are an alias of itself",
            ["ns1.example.com. l.example.com. CNAME l.example.com."],
            "the CNAME records of l.example.com lead in a circle, by way of l.example.com, instead of to A 192.0.2.1",
        ],
        [
            "are a chain without end",
            [
                "ns1.example.com. l.example.com. CNAME 1.example.com.",
                ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(
                    (n) => `ns1.example.com. ${n}.example.com. CNAME ${n + 1}.example.com.`,
                ),
                "ns1.example.com. 10.example.com. A 192.0.2.1",
            ],
            "more than 8 CNAME records follow each other from l.example.com on, instead of A 192.0.2.1",
        ],
        [
            "are an alias into a zone that nobody serves",
            ["ns1.example.com. l.example.com. CNAME lb.example.org."],
            "no name servers answer for lb.example.org (where l.example.com leads by CNAME)",
        ],
    ])("%s", (_, dns, found) => expect(look([...ZONES, ...dns])).toBe(found));

    test("of several types and values, each name for itself, and those of CAA as they are written", () => {
        const records = [
            "l.example.com A 192.0.2.1",
            "l.example.com AAAA 2001:db8::1",
            'l.example.com CAA 0 issue "letsencrypt.org"',
            'l.example.com CAA 0 issuewild ";"',
        ];
        const dns = records.map((line) => `ns1.example.net. ${line.replace("l.example.com", "lb.example.net.")}`);
        const alias = "ns1.example.com. l.example.com. CNAME lb.example.net.";
        expect(look([...ZONES, alias, ...dns], { records })).toBe("found");
        expect(look([...ZONES, alias, ...dns.slice(0, 3)], { records })).toBe(
            'ns1.example.net says 0 issue "letsencrypt.org" for lb.example.net (where l.example.com leads by CNAME) instead of CAA 0 issue "letsencrypt.org" 0 issuewild ";"',
        );
    });

    test("in Route 53 are those of the zone's own servers, whatever closer zone a resolver knows", () => {
        const dns = [
            ...ZONES,
            "resolver l.example.com. NS ns9.example.org.",
            "ns1.example.com. l.example.com. A 192.0.2.1",
        ];
        expect(look(dns, { zone: "example.com" })).toBe("found");
        expect(look(dns)).toBe("ns9.example.org says nothing for l.example.com instead of A 192.0.2.1");
    });
});

test.each([
    { seen: "ns1.example.com. ns2.example.com.", asked: "ns1.example.com. ns2.example.com." },
    // What every private zone of Route 53 shows within its VPC, where it hides the public one.
    { seen: "ns-0.awsdns-00.com. ns-512.awsdns-00.net.", asked: "ns-1.awsdns-01.org ns-2.awsdns-02.com" },
    { seen: "", asked: "" },
])("where the resolver shows the name servers '$seen', '$asked' are asked", ({ seen, asked }) => {
    const script = `source ./reachable.sh
        dig() { for one in ${seen}; do echo "example.com. 60 IN NS $one"; done; }
        NAME_SERVERS=$'ns-1.awsdns-01.org\\nns-2.awsdns-02.com'
        ZONE=example.com
        if zone_is_delegated; then echo $ZONE_SERVERS; fi`;
    const run = spawnSync("bash", ["-c", script], { cwd: SCRIPTS, encoding: "utf8" });
    expect({ stderr: run.stderr, asked: run.stdout.trim() }).toEqual({ stderr: "", asked });
});
