import { describe, expect, it } from "vitest";
import { addressesOf, type Person, personOf } from "../../src/pages/people/people.js";

describe("a form of a person", () => {
  it("holds addresses one to a line or behind commas, and the projects that are ticked", () => {
    const form = new FormData();
    for (const [name, value] of [
      ["name", " Ada "],
      ["role", "ADMIN"],
      ["phones", "+15550001, +15550002\n\n"],
      ["emails", ""],
      ["projects", "site"],
      ["projects", "docs"],
    ] as const)
      form.append(name, value);
    expect(personOf(form)).toEqual({
      name: "Ada",
      role: "ADMIN",
      phones: ["+15550001", "+15550002"],
      emails: [],
      projects: ["site", "docs"],
    });
  });

  it("begins with what the person has", () => {
    const addresses = [
      { kind: "sms", value: "+1" },
      { kind: "mail", value: "a@example.com" },
      { kind: "sms", value: "+2" },
    ];
    const person: Person = { id: "ada", name: "Ada", role: "ADMIN", addresses, projects: [] };
    expect(addressesOf(person, "sms")).toBe("+1\n+2");
    expect(addressesOf(null, "mail")).toBe("");
  });
});
