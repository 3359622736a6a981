// Kindred words
//
// Words that people who build and run software use for one thing, and what others call it: "throttle" and "rate limit", "bill" and
// "invoice", "Zertifikat" and "certificate". A word also stands for its group, with less weight than for itself, so that a colleague's
// wording meets a lesson that never said it. General words of the trade, not of any project; a group that is missing costs a match, no more.
//
// The list is short on purpose: where a word has several senses, the one of the trade is meant, and words of many senses are left out.

import { readGoal } from "../recall/index.ts";

/** One group a line: English, then German, Spanish, French, Russian, Chinese and Japanese where they are not nearly the same word. */
const groups = `
invoice bill billing charge debit | Rechnung abbuchen factura cobro facture счёт оплата 发票 账单 請求
payment pay purchase checkout card | Zahlung Kauf pago compra paiement achat платёж покупка 支付 付款 決済 支払
order purchase cart basket | Bestellung Warenkorb pedido carrito commande panier заказ 订单 注文
customer client user visitor shopper account | Kunde Benutzer Nutzer cliente usuario utilisateur клиент пользователь 客户 用户 顧客 ユーザー
login signin auth authentication password credential | Anmeldung Passwort contraseña connexion пароль вход 登录 密码 認証 ログイン
permission role access authorization privilege forbidden | Berechtigung Zugriff permiso acceso accès доступ права 权限 権限
token jwt session cookie credential | Sitzung sesión сессия токен 令牌 会话 セッション トークン
certificate tls ssl https x509 acme letsencrypt | Zertifikat certificado certificat сертификат 证书 証明書
key secret signing encryption | Schlüssel Geheimnis clave secreto clé ключ секрет 密钥 鍵
duplicate twice double repeated again copies | doppelt zweimal duplicado doble doublon deux дважды повторно 重复 二重 重複
retry repeat attempt resend backoff | wiederholen reintento réessayer повтор попытка 重试 再試行
timeout deadline hang stall stuck freeze frozen | Zeitüberschreitung hängen colgado bloqué зависает таймаут 超时 卡住 タイムアウト
slow sluggish latency lag delay late behind | langsam Verzögerung lento retraso lent retard медленно задержка 慢 延迟 遅い 遅延
fast speed performance optimize throughput | schnell Leistung rápido rendimiento vitesse скорость 性能 速度
crash die dying killed oom restart panic segfault | Absturz abstürzen caída reinicia plante redémarre падает перезапуск 崩溃 重启 再起動 クラッシュ
container pod docker kubernetes k8s cluster deployment helm | Behälter contenedor conteneur контейнер кластер 容器 集群 コンテナ
memory leak heap ram oom | Speicherleck Arbeitsspeicher memoria mémoire память утечка 内存 泄漏 メモリ
disk volume storage space gigabytes | Festplatte Speicherplatz disco espacio disque диск место 磁盘 空间 ディスク 容量
database db postgres mysql sql schema relation table | Datenbank Tabelle base tabla таблица база 数据库 数据 表 データベース テーブル
column attribute field property | Spalte Feld columna campo colonne champ столбец поле колонка 列 字段 カラム
migration alter schema migrate | Umstellung migración миграция 迁移 移行
lock blocked deadlock contention wait | Sperre blockiert bloqueo verrou блокировка 锁 死锁 ロック
index search query lookup find | Suche búsqueda consulta recherche requête поиск запрос 搜索 查询 検索 クエリ
page pagination cursor offset scroll paging browse | Seite blättern página paginación страница листать 分页 翻页 ページ
queue backlog broker consumer kafka rabbit rabbitmq message unacked | Warteschlange Nachricht cola mensaje file очередь сообщение 队列 消息 キュー メッセージ
upload ingest transfer attachment | hochladen subir téléverser загрузка 上传 アップロード
download export dump | herunterladen exportar télécharger скачать выгрузка 下载 导出 エクスポート ダウンロード
image picture photo thumbnail avatar | Bild Foto imagen miniatura vignette изображение картинка 图片 缩略 画像 サムネイル
video media stream clip | Medien vídeo медиа видео 视频 媒体 動画
mail email smtp postfix imap inbox | Nachricht correo courriel почта письмо 邮件 メール
notification alert push reminder | Benachrichtigung notificación aviso уведомление 通知 推送
phone mobile app device ios android | Handy Gerät móvil dispositivo appareil телефон устройство 手机 移动 携帯 端末
browser web page frontend site shop | Webseite navegador sitio navigateur сайт браузер 浏览器 网站 ブラウザ
css style layout sticky overflow | Gestaltung estilo стиль 样式 スタイル
header heading title caption head | Kopfzeile Überschrift cabecera título entête titre заголовок шапка 表头 标题 見出し ヘッダー
row record entry line | Zeile Eintrag fila registro ligne запись строка 行 记录 記録
missing lost vanish disappear gone skip dropped | fehlt verloren verschwindet falta perdido manque пропадает теряется 丢失 缺失 漏掉 欠落 消える
broken dead invalid corrupt damaged | kaputt defekt roto cassé сломан битый 损坏 破損 切れ
link url bookmark redirect href anchor | Verweis Lesezeichen enlace lien ссылка 链接 リンク
docs documentation manual guide readme handbook | Anleitung Handbuch documentación manuel документация руководство 文档 ドキュメント
translation locale language i18n plural | Übersetzung Sprache traducción idioma traduction langue перевод язык 翻译 语言 翻訳 言語
timezone dst clock utc daylight | Zeitzone Zeitumstellung horaria fuseau часов 时区 夏令 時刻 タイムゾーン
date calendar day week month schedule | Datum Kalender fecha calendario дата календарь 日期 日历 日付
cron timer schedule nightly job | Zeitplan programada tâche расписание 定时 任务 定期
report summary statistics dashboard totals overview | Bericht Übersicht informe resumen rapport отчёт 报告 报表 レポート 集計
log logs logging logrotate journal | Protokoll registro journal журнал 日志 ログ
metrics monitoring prometheus grafana trace span | Überwachung Messwerte métricas supervision метрики мониторинг 监控 指标 監視
throttle limit quota rate 429 flood hammer overload | Begrenzung drosseln überlastet límite limiter débit лимит ограничить 限流 限制 制限
cache cached stale outdated redis invalidate | Zwischenspeicher veraltet caché obsoleto périmé кэш устарел 缓存 过期 キャッシュ
price cost amount currency money total | Preis Betrag Währung precio importe prix montant цена сумма 价格 金额 価格 金額
rounding decimal cents float precision | Rundung redondeo arrondi округление 舍入 四捨五入 丸め
booking reservation appointment seat | Buchung Reservierung reserva réservation бронь бронирование 预订 予約
race concurrent simultaneous parallel conflict | gleichzeitig Nebenläufigkeit concurrente simultáneo simultané гонка одновременно 并发 同时 竞争 同時 競合
dns domain nameserver resolver zone | Domäne Namensauflösung dominio domaine домен 域名 解析 ドメイン
network connection socket proxy nginx gateway ingress | Netzwerk Verbindung red conexión réseau connexion сеть соединение 网络 连接 接続 ネットワーク
websocket socket realtime live heartbeat | Echtzeit tiempo 实时 リアルタイム
cors preflight origin header | Herkunft origen 跨域
backup restore snapshot recovery | Sicherung Wiederherstellung respaldo sauvegarde restauration резервная восстановление 备份 恢复 バックアップ 復元
replica replication primary failover standby | Replikat réplica réplique реплика 副本 主从 复制 レプリカ
deploy rollout release ship publish | Auslieferung Veröffentlichung despliegue lanzamiento déploiement развёртывание релиз 部署 发布 デプロイ リリース
rollback revert undo | zurücksetzen revertir annuler откат 回滚 ロールバック
build compile compiler bundler bundle webpack | bauen übersetzen compilar compilación compiler сборка компилятор 编译 构建 ビルド コンパイル
ci pipeline runner workflow actions | Werkbank integración конвейер 流水线 パイプライン
test flaky spec suite assertion intermittent | Prüfung prueba тест 测试 不稳定 テスト
type types typescript tsc strict mypy | Typ tipo тип 类型 型
undefined null optional none missing nil | leer optional indefinido indéfini пусто 空 未定義
dependency package library version upgrade bump | Abhängigkeit Paket Fassung dependencia paquete dépendance bibliothèque зависимость пакет 依赖 升级 依存 更新
refactor extract split rename move cleanup tidy | umbauen aufteilen umbenennen refactorizar extraer dividir extraire diviser рефакторинг разделить 重构 拆分 分割
remove delete erase drop purge | löschen entfernen borrar eliminar supprimer effacer удалить 删除 削除
flag option argument switch parameter | Schalter Parameter opción параметр флаг 选项 参数 引数 オプション
cli command terminal shell stdout script | Befehl Kommandozeile comando commande команда скрипт 命令 脚本 コマンド
config settings configuration yaml env | Einstellung Konfiguration ajuste réglage настройка конфигурация 配置 设置 設定
api endpoint rest request call http | Schnittstelle Anfrage interfaz petición appel запрос 接口 请求 リクエスト
response reply answer status | Antwort respuesta réponse ответ 响应 応答
webhook callback event hook | Ereignis evento événement событие 事件 イベント
form input field validation | Formular Eingabe formulario entrada formulaire saisie форма ввод 表单 输入 入力 フォーム
button click dialog modal menu | Schaltfläche Knopf botón bouton кнопка 按钮 ボタン
feed posts article blog list | Beitrag Artikel artículo статья пост 文章 記事
author writer owner | Verfasser autor auteur автор 作者 著者
catalog product item goods inventory stock | Katalog Artikel Lager catálogo producto produit каталог товар 目录 商品 产品 在庫
recommendation recommender suggestion | Empfehlung recomendación suggestion рекомендация 推荐 推薦
model training weights inference | Modell entrenamiento apprentissage модель 模型 モデル
audit compliance history trail | Prüfprotokoll auditoría аудит 审计 監査
crawl spider robot scrape | Suchroboter rastreador robot 爬虫 クローラー
encoding unicode utf8 charset umlaut accent | Zeichensatz codificación encodage кодировка 编码 乱码 文字
parser parse syntax grammar token | Zerteiler analizador парсер 解析 構文
http 404 notfound missing | 找不到
expired expire renew renewal outdated | abgelaufen erneuern caducado vencido renovar expiré renouveler истёк просрочен 过期 续期 期限
refuse reject deny declined bounce | ablehnen verweigert rechazar refuser отклоняет отказ 拒绝 拒否
empty blank nothing none | leer vacío vide пустой 空白
leak grows unbounded endless forever | endlos wächst infinito бесконечно 无限 無限
limit maximum cap bound | Grenze máximo borne предел 上限
production live prod outage incident down | Produktion Ausfall producción caída panne инцидент сбой 生产 故障 本番 障害
machine host server node box | Rechner Maschine servidor máquina serveur машина сервер 服务器 主机 サーバー
balancer balance failover traffic | Lastverteiler balanceador répartiteur балансировщик 负载 負荷
quick check health probe liveness readiness | Zustand salud santé проверка 健康 探针
rotate rotation rotated | Rotation rotación ротация 轮转 轮换
partner integrator vendor thirdparty | Partner socio partenaire партнёр 合作 パートナー
`;

/** The groups that a word of a goal belongs to, as words: `&1`. Read at the first question: most processes never ask one. */
let groupsByWord: ReadonlyMap<string, readonly string[]> | undefined;

/** What `word`, as goals have it, also stands for. */
export function kindredOf(word: string): readonly string[] {
  groupsByWord ??= readGroups();
  return groupsByWord.get(word) ?? [];
}

function readGroups(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [index, line] of groups.trim().split("\n").entries()) {
    for (const entry of line.split(/[ |]+/)) {
      const [word] = readGoal(entry).words.keys();
      if (word !== undefined) found.set(word, [...(found.get(word) ?? []), `&${index}`]);
    }
  }
  return found;
}
