//! Requests and answers as plain as `async-nats` has them: what the bus's own are measured beside.

use async_nats::Client;
use bytes::Bytes;
use futures::StreamExt as _;

const SUBJECT: &str = "plain.echo";

/// A connection without a bus on it.
#[derive(Debug)]
pub struct Plain {
    client: Client,
}

impl Plain {
    /// Connects. Panics if it cannot.
    pub async fn connect(url: &str) -> Self {
        Self {
            client: async_nats::connect(url)
                .await
                .expect("connect to nats-server"),
        }
    }

    /// Answers every request with so many bytes, for good; calls `ready` once it does.
    pub async fn answer(&self, bytes: usize, ready: impl FnOnce()) {
        let mut requests = self.client.subscribe(SUBJECT).await.expect("subscribe");
        // The server works off a connection's commands in order, so the answer to the flush comes
        // when the subscription stands.
        self.client.flush().await.expect("flush");
        ready();
        let answer = Bytes::from(vec![b'x'; bytes]);
        while let Some(request) = requests.next().await {
            if let Some(reply) = request.reply {
                self.client
                    .publish(reply, answer.clone())
                    .await
                    .expect("answer");
            }
        }
    }

    /// Asks so many times, each once the answer before has come, with so many bytes.
    pub async fn ask_in_turn(&self, times: usize, bytes: usize) {
        let question = Bytes::from(vec![b'x'; bytes]);
        for _ in 0..times {
            self.client
                .request(SUBJECT, question.clone())
                .await
                .expect("an answer");
        }
    }
}
