//! What has no event of its own because it follows from other objects, worked out from those that
//! the feed rebuilt: locks, totals, currencies, and what a draft bills. With plain integers, so that
//! it shares no arithmetic with what it checks.

use std::collections::BTreeMap;

use hoursmith_domain::{Amount, Timestamp, Zone};
use serde_json::{Map, Value, json};

use super::{Objects, Replay};

/// Takes out of a draft, as the API shows it, what only a listing can say: the moment of the last
/// change of what it bills, and the words and ids of its lines, which come in an order by them.
pub fn without_what_no_event_tells(invoice: &mut Map<String, Value>) {
    if invoice["status"] != "draft" {
        return;
    }
    invoice["updated_at"] = Value::Null;
    let lines = invoice["lines"].as_array_mut().unwrap();
    for line in lines.iter_mut() {
        let line = line.as_object_mut().unwrap();
        line.retain(|name, _| name != "id" && name != "description");
    }
    lines.sort_by_key(Value::to_string);
}

impl Replay {
    /// The objects of a kind, with what follows from others at a moment.
    pub fn completed(&self, kind: &str, now: Timestamp) -> Objects {
        let mut objects = self.objects.get(kind).cloned().unwrap_or_default();
        for object in objects.values_mut() {
            match kind {
                "project" => self.complete_project(object, now),
                "task" => self.complete_task(object),
                "time_entry" | "expense" => self.lock(object),
                "project_member" => self.complete_link(object),
                "invoice" if object["status"] == "draft" => self.fill(object),
                _ => {}
            }
        }
        objects
    }

    fn organization(&self) -> &Map<String, Value> {
        self.all("organization").next().expect("one organization")
    }

    /// The client's, or the organization's.
    fn currency(&self, project: &Map<String, Value>) -> Value {
        let of = match &project["client_id"] {
            Value::Null => self.organization(),
            client => self.one("client", client),
        };
        of["currency"].clone()
    }

    fn complete_project(&self, project: &mut Map<String, Value>, now: Timestamp) {
        project["currency"] = self.currency(project);
        let zone: Zone = text(&self.organization()["timezone"]).parse().unwrap();
        let month = zone.day_of(now).to_string()[..7].to_owned();
        let (mut total, mut monthly) = ((0, 0), (0, 0));
        for entry in self.all("time_entry") {
            if entry["project_id"] != project["id"] {
                continue;
            }
            let seconds = entry["duration_seconds"].as_i64().unwrap_or(0);
            let amount = units(&entry["amount"]);
            total = (total.0 + seconds, total.1 + amount);
            if text(&entry["spent_on"]).starts_with(&month) {
                monthly = (monthly.0 + seconds, monthly.1 + amount);
            }
        }
        project["tracked_seconds"] = json!(total.0);
        project["billable_amount"] = money(total.1, &project["currency"]);
        let budget = &project["budget"];
        let used = match budget["period"].as_str() {
            Some("monthly") => monthly,
            _ => total,
        };
        project["budget_used"] = match budget["kind"].as_str() {
            None => Value::Null,
            Some("hours") => hours(used.0),
            Some(_) => money(used.1, &project["currency"]),
        };
    }

    fn complete_task(&self, task: &mut Map<String, Value>) {
        task["currency"] = self.currency(self.one("project", &task["project_id"]));
        let entries = self.all("time_entry");
        let seconds: i64 = entries
            .filter(|entry| entry["task_id"] == task["id"])
            .filter_map(|entry| entry["duration_seconds"].as_i64())
            .sum();
        task["tracked_seconds"] = json!(seconds);
    }

    /// Why time or an expense is locked: the strongest reason first.
    fn lock(&self, object: &mut Map<String, Value>) {
        let project = self.one("project", &object["project_id"]);
        let before = self.organization()["lock_before"].as_str();
        let reason = if !object["invoice_id"].is_null() {
            json!("invoiced")
        } else if before.is_some_and(|day| text(&object["spent_on"]) < day) {
            json!("period_locked")
        } else if project["archived"] == true {
            json!("project_archived")
        } else {
            Value::Null
        };
        object["is_locked"] = json!(!reason.is_null());
        object["locked_reason"] = reason;
    }

    /// A link in full: the member's name and role, the project's currency.
    fn complete_link(&self, link: &mut Map<String, Value>) {
        let member = self.one("member", &link["member_id"]);
        let project = self.one("project", &link["project_id"]);
        let whole = json!({
            "project_id": link["project_id"],
            "member_id": link["member_id"],
            "name": member["name"],
            "role": member["role"],
            "billable_rate": link["billable_rate"],
            "currency": self.currency(project),
            "created_at": link["created_at"],
            "updated_at": link["updated_at"],
        });
        *link = whole.as_object().unwrap().clone();
    }

    /// What a draft bills: unbilled time by project, task and rate, each expense, each open fee.
    fn fill(&self, draft: &mut Map<String, Value>) {
        let (client, currency) = (draft["client_id"].clone(), draft["currency"].clone());
        let mut days = Vec::new();
        let mut total = 0;
        let mut time: BTreeMap<String, Vec<&Map<String, Value>>> = BTreeMap::new();
        for entry in self.all("time_entry") {
            let is_open = entry["invoice_id"].is_null() && !entry["amount"].is_null();
            if entry["client_id"] == client && is_open {
                let key = json!([entry["project_id"], entry["task_id"], entry["rate"]]);
                time.entry(key.to_string()).or_default().push(entry);
                days.push(text(&entry["spent_on"]));
                total += units(&entry["amount"]);
            }
        }
        let mut lines = Vec::new();
        for mut entries in time.into_values() {
            entries.sort_by_key(|entry| (text(&entry["spent_on"]), text(&entry["id"])));
            let seconds = entries.iter().map(|one| one["rounded_seconds"].as_i64());
            let amount = entries.iter().map(|one| units(&one["amount"])).sum();
            let ids: Vec<&Value> = entries.iter().map(|one| &one["id"]).collect();
            lines.push(json!({
                "kind": "time",
                "project_id": entries[0]["project_id"],
                "quantity": hours(seconds.map(Option::unwrap).sum()),
                "unit_price": entries[0]["rate"],
                "amount": money(amount, &currency),
                "time_entry_ids": ids,
                "expense_ids": [],
            }));
        }
        for expense in self.all("expense") {
            let is_open = expense["invoice_id"].is_null() && expense["billable"] == true;
            if expense["client_id"] == client && is_open {
                let has_price = !expense["quantity"].is_null();
                days.push(text(&expense["spent_on"]));
                total += units(&expense["amount"]);
                lines.push(json!({
                    "kind": "expense",
                    "project_id": expense["project_id"],
                    "quantity": if has_price { expense["quantity"].clone() } else { json!("1") },
                    "unit_price": expense[if has_price { "unit_price" } else { "amount" }],
                    "amount": expense["amount"],
                    "time_entry_ids": [],
                    "expense_ids": [expense["id"]],
                }));
            }
        }
        for project in self.all("project") {
            let fee = &project["fixed_fee"];
            if project["client_id"] == client && units(fee) > 0 && !self.is_billed(project) {
                total += units(fee);
                lines.push(json!({
                    "kind": "fixed",
                    "project_id": project["id"],
                    "quantity": "1",
                    "unit_price": fee,
                    "amount": fee,
                    "time_entry_ids": [],
                    "expense_ids": [],
                }));
            }
        }
        // In the order of the fields that the API has.
        lines.sort_by_key(Value::to_string);
        for name in ["subtotal", "total", "balance"] {
            draft[name] = money(total, &currency);
        }
        draft["period_start"] = json!(days.iter().min());
        draft["period_end"] = json!(days.iter().max());
        draft["lines"] = json!(lines);
        draft["updated_at"] = Value::Null;
    }

    /// Whether the fee of a project is on an invoice that is not void.
    fn is_billed(&self, project: &Map<String, Value>) -> bool {
        self.all("invoice")
            .filter(|invoice| invoice["status"] == "sent" || invoice["status"] == "paid")
            .flat_map(|invoice| invoice["lines"].as_array().unwrap())
            .any(|line| line["kind"] == "fixed" && line["project_id"] == project["id"])
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is text"))
}

/// An amount in 1/10,000; none is nothing.
fn units(amount: &Value) -> i64 {
    let amount = amount
        .as_str()
        .map(|amount| amount.parse::<Amount>().unwrap());
    amount.map_or(0, Amount::ten_thousandths)
}

fn money(units: i64, currency: &Value) -> Value {
    json!(Amount::of_sum(units).display(text(currency).parse().unwrap()))
}

/// Seconds as hours, rounded half up to four digits.
fn hours(seconds: i64) -> Value {
    json!(Amount::of_sum((seconds * 20_000 + 3_600) / 7_200).plain())
}
