import { describe } from "vitest";
import { balancer } from "./balancer.ts";

describe("load balancer", balancer);
