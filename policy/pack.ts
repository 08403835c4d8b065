import { PolicyPack } from "@pulumi/policy";
import { POLICIES } from "./policies.ts";

new PolicyPack("linkmesh-proxy", { policies: [...POLICIES] });
