//! A small client, and a simulator with one account.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use vobiz_sim::{Account, Config, InventoryNumber, Sim, State};

pub const SOON: Duration = Duration::from_secs(10);
pub const NUMBER: &str = "+911234500000";

pub fn http() -> reqwest::Client {
    // The ring provider may be there already, from another test of this binary.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(SOON)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("a-test/1")
        .build()
        .unwrap()
}

pub async fn start(state: State) -> Sim {
    Sim::start(Config { state, ..Config::default() }).await.unwrap()
}

/// `MA_1` with 1000 INR, its `SA_1` without money, a stranger, and one number at 50 + 2.
pub fn state() -> State {
    State {
        accounts: vec![
            Account::new("MA_1", "secret").with_balance("INR", 1000),
            Account::new("SA_1", "sub-secret").with_parent("MA_1"),
            Account::new("MA_2", "other").with_balance("INR", 1000),
        ],
        inventory: vec![InventoryNumber::new(NUMBER, "INR", 50, 2).in_region("IN", "Goa")],
        ..State::default()
    }
}

#[derive(Clone)]
pub struct Client {
    pub http: reqwest::Client,
    pub url: String,
    pub id: String,
    pub token: String,
}

#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub text: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

pub fn client(sim: &Sim, id: &str, token: &str) -> Client {
    Client { http: http(), url: sim.url(), id: id.to_owned(), token: token.to_owned() }
}

impl Client {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v1/account/{}/{path}", self.url, self.id);
        self.http.request(method, url).header("x-auth-id", &self.id).header("x-auth-token", &self.token)
    }

    pub async fn get(&self, path: &str) -> Got {
        send(self.request(Method::GET, path)).await.unwrap()
    }

    pub async fn try_get(&self, path: &str) -> reqwest::Result<Got> {
        send(self.request(Method::GET, path)).await
    }

    pub async fn buy(&self, e164: &str) -> reqwest::Result<Got> {
        self.buy_with(&json!({"e164": e164, "currency": "INR"})).await
    }

    pub async fn buy_with(&self, body: &Value) -> reqwest::Result<Got> {
        send(self.request(Method::POST, "numbers/purchase-from-inventory").body(body.to_string())).await
    }

    pub async fn admin(&self, method: Method, path: &str, body: &Value) -> Got {
        let request = self.http.request(method, format!("{}/_sim/{path}", self.url));
        send(if body.is_null() { request } else { request.body(body.to_string()) }).await.unwrap()
    }
}

pub async fn send(request: RequestBuilder) -> reqwest::Result<Got> {
    let response = request.send().await?;
    Ok(Got { status: response.status(), text: response.text().await? })
}
