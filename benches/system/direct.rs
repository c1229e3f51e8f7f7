//! The baseline of reads: the same two statements on the same store, the same JSON, the same hyper
//! loop; no bus, no actors, no gates. And `/hello`, which does not even that.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hoursmith_domain::{Amount, Currency, Keys, Timestamp, Token};
use hoursmith_kit::{Clock as _, SystemClock, spawn};
use hoursmith_routes::client::Client;
use hoursmith_routes::common::ExternalReference;
use hoursmith_store::{Db, Statement, Target, fetch_optional};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, ETAG};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use uuid::Uuid;

use crate::site;

struct Direct {
    db: Db,
    keys: Keys,
    clock: SystemClock,
    find_token: Statement,
    find_client: Statement,
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    organization_id: Uuid,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    member_id: Uuid,
    status: String,
}

#[derive(sqlx::FromRow)]
struct ClientRow {
    id: Uuid,
    name: String,
    number: Option<String>,
    currency: String,
    email: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    vat_id: Option<String>,
    billable_rate: Option<i64>,
    payment_terms_days: Option<i64>,
    notes: Option<String>,
    archived_at: Option<i64>,
    external_reference_service: Option<String>,
    external_reference_id: Option<String>,
    external_reference_url: Option<String>,
    metadata: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

/// Serves until killed, on as many threads as the program would; says its address.
pub(crate) fn serve(database: &Path) {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let target = Target::Sqlite {
                path: database.to_owned(),
            };
            let direct = Arc::new(Direct {
                db: site::open(&target).await,
                keys: site::keys(),
                clock: SystemClock::new(),
                find_token: statement(&hoursmith_token_auth::plugin().statements(), "FIND_TOKEN"),
                find_client: statement(&hoursmith_resource::plugin().statements(), "FIND_CLIENT"),
            });
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            println!("{}", listener.local_addr().unwrap());
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let direct = Arc::clone(&direct);
                let service = service_fn(move |request: Request<Incoming>| {
                    let direct = Arc::clone(&direct);
                    async move { Ok::<_, Infallible>(direct.answer(&request).await) }
                });
                // As the gateway's connections are built.
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(Duration::from_secs(35))
                    .max_buf_size(4 * (16_384 + 8_192))
                    .serve_connection(TokioIo::new(stream), service);
                drop(spawn("direct connection", async { drop(connection.await) }));
            }
        });
}

/// A statement of the program, by its name.
pub(crate) fn statement(all: &[Statement], name: &str) -> Statement {
    *all.iter()
        .find(|statement| statement.name == name)
        .expect("the program has it")
}

impl Direct {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if path == "/hello" {
            return Response::new(Full::from("hello"));
        }
        let id: Uuid = path
            .rsplit('/')
            .next()
            .and_then(|id| id.parse().ok())
            .unwrap();
        let text = request.headers()[AUTHORIZATION].to_str().unwrap();
        let token = Token::parse(text.strip_prefix("Bearer ").unwrap()).unwrap();
        let digest = token.digest(&self.keys);
        let token = {
            let (mut conn, find) = (self.db.read().await.unwrap(), self.find_token);
            fetch_optional!(&mut conn, find as TokenRow, digest.0.as_slice())
                .unwrap()
                .unwrap()
        };
        let now = self.clock.now().as_micros();
        assert!(token.revoked_at.is_none() && token.expires_at.is_none_or(|at| now < at));
        assert_eq!(token.status, "active");
        let row = {
            let (mut conn, find) = (self.db.read().await.unwrap(), self.find_client);
            let (organization, member) = (token.organization_id, token.member_id);
            fetch_optional!(&mut conn, find as ClientRow, organization, true, member, id)
                .unwrap()
                .unwrap()
        };
        let etag = format!("\"{}\"", row.version);
        Response::builder()
            .header(CONTENT_TYPE, "application/json")
            .header(ETAG, etag)
            .body(Full::from(serde_json::to_vec(&row.into_wire()).unwrap()))
            .unwrap()
    }
}

impl ClientRow {
    fn into_wire(self) -> Client {
        let currency: Currency = self.currency.parse().unwrap();
        let rate = self.billable_rate.and_then(Amount::from_ten_thousandths);
        let reference = self
            .external_reference_service
            .zip(self.external_reference_id);
        Client {
            id: self.id,
            name: self.name,
            number: self.number,
            currency: currency.to_string(),
            email: self.email,
            phone: self.phone,
            address: self
                .address
                .map(|text| serde_json::from_str(&text).unwrap()),
            vat_id: self.vat_id,
            billable_rate: rate.map(|amount| amount.display(currency)),
            payment_terms_days: self.payment_terms_days,
            notes: self.notes,
            archived: self.archived_at.is_some(),
            archived_at: self.archived_at.map(Timestamp::from_micros),
            external_reference: reference.map(|(service, id)| ExternalReference {
                service,
                id,
                url: self.external_reference_url,
            }),
            metadata: serde_json::from_str(&self.metadata).unwrap(),
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        }
    }
}
