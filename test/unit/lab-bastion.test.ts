import { beforeEach, expect, it } from "vitest";
import { type BastionKeys, addBastion, removeBastion } from "../../lab/bastion.ts";
import { EXISTING_SUBNET_DUAL } from "../../lab/cloud/existing-network.ts";
import { programInstance } from "../../lab/cloud/state.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

const KEYS: BastionKeys = {
    login: { privateKey: "LOGIN", publicKey: "ssh-ed25519 login\n" },
    host: { privateKey: "HOST", publicKey: "ssh-ed25519 host\n" },
};

let cloud: TestCloud;
beforeEach(() => {
    cloud = TestCloud.create();
});
const add = () =>
    cloud.store.change((state) => addBastion({ state, lab: cloud.store.lab, region: "eu-central-1" }, KEYS));

it("is in the existing network, and accepts connections only from the operator's machine", async () => {
    await add();
    const state = await cloud.state();
    const [card] = Object.values(state.networkInterfaces);
    const [address] = Object.values(state.addresses);
    expect(card).toMatchObject({ subnetId: EXISTING_SUBNET_DUAL, ipv6Addresses: [expect.stringMatching(/^fd77:/)] });
    expect(address).toMatchObject({ publicIp: "10.77.143.254", association: { networkInterfaceId: card!.id } });
    const rules = Object.values(state.securityGroupRules);
    const ingress = rules.filter(({ direction }) => direction === "ingress");
    expect(ingress).toMatchObject([{ ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv4: "10.77.142.1/32" }]);
    expect(rules.length - ingress.length).toBe(2);
    const [machine] = Object.values(state.instances);
    expect(machine).toMatchObject({ networkInterfaceId: card!.id, desired: "running" });
    expect(machine!.userData).toContain("ssh-ed25519 login");
    expect(machine!.userData).not.toContain("LOGIN");
});

it("is made once, and is not the program's machine", async () => {
    await add();
    const before = await cloud.state();
    await add();
    expect(await cloud.state()).toEqual(before);
    expect(programInstance(before)).toBeUndefined();
    const { card } = await cloud.network();
    const vm = await cloud.instance(card);
    expect(programInstance(await cloud.state())?.id).toBe(vm.id);
});

it("leaves nothing behind", async () => {
    const before = await cloud.state();
    await add();
    await cloud.store.change((state) => removeBastion(state));
    expect({ ...(await cloud.state()), terminated: {} }).toEqual(before);
    await cloud.store.change((state) => removeBastion(state));
});
