//! What happens to clients, expenses and invoices.

use hoursmith_domain::Amount;
use hoursmith_resource::admin::Sending;
use serde_json::json;

use super::{Story, day, rate, thin};
use crate::dice::Dice;

const CLIENTS: &str = "/api/v1/clients";
const EXPENSES: &str = "/api/v1/expenses";

pub async fn client(story: &Story<'_>, dice: &mut Dice) {
    let body = json!({
        // Few, so that some are taken.
        "name": format!("client {}", dice.below(60)),
        "notes": format!("note {}", dice.below(1_000_000)),
        "currency": *dice.one_of(&["EUR", "USD"]).unwrap(),
        "billable_rate": rate(dice),
        "archived": dice.below(4) == 0,
        "address": {"city": format!("city {}", dice.below(5))},
        "metadata": {format!("key {}", dice.below(3)): "value"},
    });
    match (story.some("client", dice), dice.below(10)) {
        (None, _) | (Some(_), 0..3) => {
            if story.has_room("client") {
                let body = thin(body, &["name"], dice);
                story.make("client", CLIENTS, &body).await;
            }
        }
        (Some(id), 3..8) => {
            let change = thin(body, &[], dice);
            let path = format!("{CLIENTS}/{id}");
            story.ask("PATCH", &path, Some(&change)).await;
        }
        (Some(id), 8) => {
            let clear = json!({"address": null, "notes": null, "metadata": null});
            let path = format!("{CLIENTS}/{id}");
            story.ask("PATCH", &path, Some(&clear)).await;
        }
        (Some(id), _) => story.delete("client", CLIENTS, &id).await,
    }
}

pub async fn expense(story: &Story<'_>, dice: &mut Dice) {
    let mut body = json!({
        "project_id": story.some("project", dice),
        "member_id": story.some("member", dice),
        "spent_on": day(dice),
        "category": *dice.one_of(&["Travel", "Meals"]).unwrap(),
        "description": format!("receipt {}", dice.below(1000)),
        "billable": dice.below(4) > 0,
        "reimbursable": dice.below(2) == 0,
        "metadata": {"key": "value"},
    });
    let amount = if dice.below(2) == 0 {
        vec![("amount", json!(format!("{}.50", dice.below(500))))]
    } else {
        let quantity = format!("{}.25", 1 + dice.below(9));
        vec![
            ("quantity", json!(quantity)),
            ("unit_price", json!(format!("{}.99", dice.below(90)))),
        ]
    };
    for (name, value) in &amount {
        body[*name] = value.clone();
    }
    match (story.some("expense", dice), dice.below(10)) {
        (None, _) | (Some(_), 0..4) => {
            let required: Vec<&str> = amount.iter().map(|(name, _)| *name).collect();
            let body = thin(body, &[required, vec!["project_id"]].concat(), dice);
            story.make("expense", EXPENSES, &body).await;
        }
        (Some(id), 4..9) => {
            let change = thin(body, &[], dice);
            let path = format!("{EXPENSES}/{id}");
            story.ask("PATCH", &path, Some(&change)).await;
        }
        (Some(id), _) => story.delete("expense", EXPENSES, &id).await,
    }
}

/// Drafts open by themselves; they are sent, paid and voided by an operator. Payments are of the
/// whole balance, since a part of it has no event.
pub async fn invoice(story: &Story<'_>, dice: &mut Dice) {
    let (operator, slug) = (story.world.operator(), &story.org.slug);
    let status = *dice.one_of(&["draft", "draft", "sent"]).unwrap();
    let listed = operator.invoices(slug, Some(status)).await;
    let rows = story.operated("invoice list", listed).unwrap_or_default();
    let Some(id) = dice.one_of(&rows).map(|row| row.id.to_string()) else {
        return;
    };
    match (status, dice.below(3)) {
        ("draft", _) => {
            let sending = Sending {
                tax_rate: Amount::from_ten_thousandths(190_000).filter(|_| dice.below(2) == 0),
                ..Sending::default()
            };
            let sent = operator.send_invoice(slug, &id, sending).await;
            story.operated("invoice send", sent);
        }
        (_, 0) => {
            let paid = operator.pay_invoice(slug, &id, None).await;
            story.operated("invoice pay", paid);
        }
        _ => {
            let void = operator.void_invoice(slug, &id).await;
            story.operated("invoice void", void);
        }
    }
}
