import { NAMESPACE } from "../components/metrics.ts";
import { type Registered, CONFIG, runProgram } from "../test/unit/program.ts";
import { ARM_PACKAGE } from "../test/unit/refused-lookups.ts";
import { TIER } from "../test/unit/tier-settings.ts";
import { BALANCER } from "./limits.ts";
import { HOURS, INSTANCE_TYPES, PRICES, type Price, REGION, TIER_PRICES } from "./prices.ts";
import { table } from "./settings.ts";

type Resource = Pick<Registered, "type" | "inputs">;

/** What a resource costs each month. */
const MONTHLY: Readonly<Record<string, (inputs: Record<string, unknown>) => number>> = {
    "aws:ec2/instance:Instance": ({ instanceType, rootBlockDevice, associatePublicIpAddress }) =>
        instanceHour(instanceType as string) * HOURS +
        gp3((rootBlockDevice as { volumeSize: number }).volumeSize) +
        (associatePublicIpAddress === true ? PRICES.ipv4.dollars * HOURS : 0),
    // Without capacity units, which depend on the traffic.
    "aws:lb/loadBalancer:LoadBalancer": () => TIER_PRICES.hour.dollars * HOURS,
    "aws:ebs/volume:Volume": ({ size }) => gp3(size as number),
    "aws:ec2/eip:Eip": () => PRICES.ipv4.dollars * HOURS,
    "aws:cloudwatch/metricAlarm:MetricAlarm": ({ namespace, dimensions }) =>
        PRICES.alarm.dollars + (namespace === NAMESPACE ? metricsOf(dimensions) : 0) * PRICES.metric.dollars,
    "aws:route53/healthCheck:HealthCheck": ({ type }) =>
        PRICES.healthCheck.dollars + (type === "HTTPS" ? PRICES.healthCheckOption.dollars : 0),
};

/** Items of the machine's program `health` that have no number. */
export const WITHOUT_NUMBER = ["renewal"];

/** An item that the machine reports has the metric Failed, and most have Number. */
const metricsOf = (dimensions: unknown) => (WITHOUT_NUMBER.includes((dimensions as { Item: string }).Item) ? 1 : 2);

/** AWS's types that cost nothing by themselves. */
const FREE = [
    // The first 1,000 mails of a month are free.
    /^aws:(vpc|iam|dlm|sns)\//,
    /^aws:ec2\/(vpc|subnet|internetGateway|route|routeTable|routeTableAssociation|securityGroup):/,
    /^aws:ec2\/(networkInterface|eipAssociation|volumeAttachment):/,
    /^aws:route53\/record:/,
    /^aws:lb\/(targetGroup|targetGroupAttachment|listener):/,
    /^aws:acm\//,
];

function resourceCost({ type, inputs }: Resource): number {
    const price = MONTHLY[type];
    if (price) return price(inputs);
    if (type.startsWith("aws:") && !FREE.some((pattern) => pattern.test(type)))
        throw new Error(`docs/costs.ts does not say what ${type} costs`);
    return 0;
}

const gp3 = (size: number) => size * PRICES.gp3.dollars;

function instanceHour(type: string): number {
    const price = INSTANCE_TYPES[type];
    if (!price) throw new Error(`docs/prices.ts has no price of ${type}`);
    return price.dollars;
}

/** Dollars a month for these resources, with a hosted zone of their own if they have records. */
export function monthly(resources: readonly Resource[]): number {
    const zone = resources.some(({ type }) => type === "aws:route53/record:Record") ? PRICES.zone.dollars : 0;
    return resources.reduce((sum, resource) => sum + resourceCost(resource), zone);
}

/** The settings whose cost is listed, each by itself on top of the defaults. */
const CHANGES: readonly Record<string, string>[] = [
    { ...ARM_PACKAGE, instanceType: "t4g.small" },
    { instanceType: "t3.medium" },
    { ...ARM_PACKAGE, instanceType: "t4g.medium" },
    { dataVolumeSize: "50" },
    { subnetId: "subnet-0004", publicAddress: "false", acmeChallenge: "dns-01" },
    { dns: "external" },
    { alarms: "platform@example.com" },
    { paused: "true" },
    TIER,
    { ...TIER, paused: "true" },
];

const cost = async (settings: Record<string, string>) =>
    monthly((await runProgram({ ...CONFIG, ...settings })).registered);

/** Dollars a month for alarms in an account that has everything else of them free: https in health checks. */
async function alarmOptions(): Promise<number> {
    const { registered } = await runProgram({ ...CONFIG, alarms: "platform@example.com" });
    const overHttps = registered.filter(({ type, inputs }) => type.endsWith(":HealthCheck") && inputs.type === "HTTPS");
    return overHttps.length * PRICES.healthCheckOption.dollars;
}

/** Dollars a month for the load balancer itself, and for the capacity units of sessions that push no metrics. */
const balancer = () => TIER_PRICES.hour.dollars * HOURS;
const units = (collectors: number) => (collectors / BALANCER.tlsActive.value) * TIER_PRICES.unit.dollars * HOURS;

/** Dollars a month with the defaults. */
export const defaultCost = () => cost({});

/** A reply to a heartbeat: headers of TCP/IP and TLS, and a message that says who is meant. */
const BYTES_PER_HEARTBEAT = 100;
const SECONDS_PER_HEARTBEAT = 30;
const COLLECTORS = 1000;

/** An example of snapshots: how many are kept, and GiB of data. */
const KEPT = 7;
const DATA = 2;

/** Of a t3.small. */
const CPUS = 2;
const BASELINE = 0.2;

/** The part of docs/costs.md that depends on prices. */
export async function costsPage(): Promise<string> {
    const defaults = await defaultCost();
    const rows: string[][] = [["the defaults", dollars(defaults), ""]];
    for (const settings of CHANGES) {
        const changed = await cost(settings);
        rows.push([named(settings), dollars(changed), difference(changed - defaults)]);
    }
    const gigabytes = (COLLECTORS * BYTES_PER_HEARTBEAT * HOURS * 3600) / SECONDS_PER_HEARTBEAT / 1e9;
    const snapshots = (DATA + (KEPT * DATA) / 10) * PRICES.snapshot.dollars;
    return [
        ...table(["settings", `a month in ${REGION}`, "difference"], rows),
        "",
        "Paid by use:",
        "",
        `- **Traffic out.** If ${COLLECTORS.toLocaleString("en")} collectors send a heartbeat every ${SECONDS_PER_HEARTBEAT} seconds and each reply has ${BYTES_PER_HEARTBEAT} bytes, that is`,
        `  ${gigabytes.toFixed(1)} GB a month: ${dollars(gigabytes * PRICES.egress.dollars)}, or nothing within the account's free 100 GB. Interval and size are assumptions and not measured`,
        "  with LinkMesh. Configurations that LinkMesh sends come on top. Traffic in is free.",
        `- **Snapshots.** ${dollars(PRICES.snapshot.dollars)} a month for each GiB of changed data, until someone deletes them. With \`dailySnapshots=${KEPT}\` and`,
        `  ${DATA} GiB of data, of which a tenth changes each day, that is ${dollars(snapshots)} a month. The scheduler deletes the expired snapshots of a`,
        "  volume that exists. It deletes neither those of a volume that is gone nor the one of `finalSnapshot`;",
        "  [operations.md](operations.md#destroy) has the command.",
        `- **Alarms.** Of the difference above, ${dollars(await alarmOptions())} remain while the account has free alarms, metrics and health checks`,
        "  ([alarms.md](alarms.md#costs)).",
        `- **Load balancer.** Of the rows with several \`nodes\`, ${dollars(balancer())} are the load balancer itself. Capacity units come on top:`,
        `  ${dollars(units(COLLECTORS))} for ${COLLECTORS.toLocaleString("en")} collectors, if they push no metrics ([scale.md](scale.md#several-machines) counts them), and`,
        "  traffic between zones. MongoDB and the Git store are yours, and not counted.",
        `- **CPU credits.** If the CPUs of a t3.small do more than ${BASELINE * 100} % on the day's average, each hour of a CPU above that costs`,
        `  ${dollars(PRICES.cpuCredit.dollars)}: **up to $${Math.round(CPUS * (1 - BASELINE) * HOURS * PRICES.cpuCredit.dollars)} more** if both are busy all month. With \`cpuCredits=standard\` the machine slows down instead.`,
        "",
        "### Prices",
        "",
        ...table(
            ["price", "for each", "date", "source"],
            [
                ...Object.entries(INSTANCE_TYPES).map(([type, price]) => priceRow(price, `${price.unit} of a ${type}`)),
                ...Object.values<Price>(PRICES).map((price) => priceRow(price, price.unit)),
            ],
        ),
    ].join("\n");
}

/** What a row's title leaves out, because it only makes the rest valid. */
const BESIDE = ["linkmeshDebUrl", "subnetId", "acmeChallenge", ...Object.keys(TIER).filter((name) => name !== "nodes")];

/** "`instanceType=t3.medium`" */
function named(settings: Record<string, string>): string {
    return Object.entries(settings)
        .filter(([name]) => !BESIDE.includes(name))
        .map(([name, value]) => `\`${name}=${value}\``)
        .join(", ");
}

const priceRow = ({ dollars: amount, date, source }: Price, unit: string) => [`$${amount}`, unit, date, source];
const dollars = (amount: number) => `$${amount.toFixed(2)}`;
const difference = (amount: number) => `${amount < 0 ? "−" : "+"}${dollars(Math.abs(amount))}`;
